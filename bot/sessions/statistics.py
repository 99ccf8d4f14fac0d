"""What an operator sees of the sessions."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Warmth(StrEnum):
    """How near a session is to its next answer."""

    #: Its conversation is open.
    HOT = "hot"
    #: It has a session file to resume from.
    WARM = "warm"
    #: Neither; the next message starts a fresh session.
    COLD = "cold"


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionStatistics:
    """One session as `/session/stats` shows it."""

    room: str
    bot: str
    #: The person's id with ``scope = "user"``, else None.
    user: str | None
    session_id: str
    state: Warmth
    #: The way its last turn came to a conversation; None before the first turn of this process.
    last_path: Warmth | None
    turns: int
    created_at: datetime
    last_used: datetime
    #: Resident bytes of the child's process tree; None without a child.
    memory_bytes: int | None
    #: US dollars over the whole life of the session.
    cost_usd: float
    #: Whether a turn is running in it.
    busy: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionsStatistics:
    """All sessions, and what the process did to serve them since it started."""

    sessions: tuple[SessionStatistics, ...]
    hot: int
    #: How many conversations may be open at once.
    hot_limit: int
    #: Turns by the path they took.
    hits: dict[Warmth, int]
    #: Resumes that were refused and fell back to a new session.
    lost: int
    #: Conversations closed to make room for another.
    evicted: int
    #: Children that ended on their own.
    died: int
