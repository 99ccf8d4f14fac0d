"""What an operator sees of the sessions."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Warmth(StrEnum):
    """How near a session is to its next answer."""

    #: Its conversation is open.
    HOT = "hot"
    #: It has none yet and takes a spare. The way of a turn, never the state of a session.
    SPARE = "spare"
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
    #: What the child's process tree takes, with its part of the program that all children share;
    #: None without a child, and before it was looked at.
    memory_bytes: int | None
    #: US dollars over the whole life of the session.
    cost_usd: float
    #: Whether a turn is running in it.
    busy: bool
    #: Children booted for it by this process.
    boots: int = 0
    #: How often its conversation was closed to make room for another.
    evictions: int = 0
    #: How often its child had grown too large and was replaced by a fresh one.
    recycles: int = 0
    #: How often it began anew and found a spare.
    spare_hits: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What a bot's sessions have cost, as far as they are kept."""

    sessions: int
    turns: int
    #: US dollars.
    cost_usd: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionsStatistics:
    """All sessions, and what the process did to serve them since it started."""

    sessions: tuple[SessionStatistics, ...]
    hot: int
    #: How many conversations may be open at once, by what they take now (`Allowance.places`).
    hot_limit: int
    #: Turns by the path they took.
    hits: dict[Warmth, int]
    #: Resumes that were refused and fell back to a new session.
    lost: int
    #: Conversations closed to make room for another.
    evicted: int
    #: Children that ended on their own.
    died: int
    #: Spares that are ready for a new room; those that still boot are not counted.
    spares: int = 0
    #: Children booted, spares included.
    boots: int = 0
    #: Boots that wait for another's end.
    boots_waiting: int = 0
    #: Children that had grown too large and were replaced by fresh ones.
    recycled: int = 0
    #: Long conversations that were summed up.
    compactions: int = 0
    #: Children that were ended because they said nothing any more.
    silenced: int = 0
    #: Turns that had to tell the agent what the room last talked about.
    recapped: int = 0
    #: What all children take, spares and booting ones included, their program once.
    memory_bytes: int = 0
    #: What they may take; None where nobody counts.
    memory_budget_bytes: int | None = None

    @property
    def spare_hits(self) -> int:
        """Turns of new rooms that found a spare."""
        return self.hits.get(Warmth.SPARE, 0)
