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


@dataclass(frozen=True, kw_only=True, slots=True)
class LanesStatistics:
    """All lanes that have work, and the turns of this process."""

    lanes: tuple[LaneStatistics, ...]
    running: int
    #: Turns that ended since the start, by outcome ("answered", "told", "dead", …).
    turns: dict[str, int]
