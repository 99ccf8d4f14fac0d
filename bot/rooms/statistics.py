"""What an operator sees of the queues."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class LaneStatistics:
    """One lane with work: a room, or a room and a bot."""

    lane: str
    #: Open messages, the running one included.
    open: int
    #: Whether a turn is running.
    running: bool
    #: Seconds since the oldest open message was accepted.
    oldest_s: float
