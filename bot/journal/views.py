"""What the journal shows of itself, beside the records that travel."""

from dataclasses import dataclass
from datetime import datetime

from bot.records import Entry, Outcome, PartKind


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingLane:
    """A lane with open messages."""

    lane: str
    #: Open messages, the one in work included.
    open: int
    #: When the first of them was accepted.
    oldest: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Crowd:
    """What is open in a lane when one more message comes for it."""

    #: Messages that wait for a turn: not what runs, nor what is answered with it.
    waiting: int
    #: Those of the author.
    each: int
    #: Open messages of the same session, the ones in work included.
    session: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A room in which a bot was spoken to."""

    platform: str
    bot: str
    room: str
    #: None in a direct room.
    room_name: str | None
    direct: bool
    #: The last message read from the room's history; None before the first reading. Never one that
    #: a delivery brought: an earlier message may have been lost on its way.
    cursor: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """A message that was given up."""

    entry: Entry
    #: Why, in a sentence for the operator; None when nobody said.
    reason: str | None
    settled_at: datetime
    #: When the operator took it off the list; None while it is on it.
    dropped_at: datetime | None

    @property
    def has_answer(self) -> bool:
        """Whether the agent's answer is frozen: a retry posts it, and asks nobody."""
        kinds = {part.kind for part in self.entry.parts}
        return self.entry.verdict is Outcome.ANSWERED and PartKind.ANSWER in kinds


@dataclass(frozen=True, kw_only=True, slots=True)
class Expired:
    """What retention deleted."""

    #: Settled messages, each with its attempts and parts.
    messages: int
    #: Rows of the history.
    exchanges: int


@dataclass(frozen=True, kw_only=True, slots=True)
class JournalStatistics:
    """What the writer did since the journal was opened."""

    #: Commits that succeeded; each is one sync, however many operations it carries.
    commits: int
    #: Commits that failed; all their operations failed with them.
    failures: int
    #: Operations carried out, reads included.
    operations: int
    #: Most operations that ever shared a commit.
    largest_batch: int
    #: How long the last commit took, its sync included; 0 before the first.
    last_commit_s: float
