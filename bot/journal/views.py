"""What the journal shows of itself, beside the records that travel."""

from dataclasses import dataclass
from datetime import datetime

from bot.records import Entry, Outcome, Part, PartKind, SessionKey


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """The equation: ``accepted = answered + told + stopped + skipped + dead + open``."""

    accepted: int
    answered: int
    told: int
    stopped: int
    skipped: int
    dead: int
    open: int

    @property
    def balanced(self) -> bool:
        """Whether the numbers add up, as they must at every moment."""
        ended = self.answered + self.told + self.stopped + self.skipped + self.dead
        return self.accepted == ended + self.open


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
class Round:
    """A message and what the room was told about it; the loop guard is not interested in more."""

    #: Id of whoever wrote the message.
    author: str
    #: Whether a platform called the author a bot.
    by_bot: bool
    #: The beginning of the message; None when it was off the record.
    text: str | None
    #: The beginning of our reply, as HTML.
    reply: str
    #: Seconds since the epoch, like the next.
    accepted_at: float
    settled_at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """The last message that the loop guard did not let through."""

    author: str
    #: The beginning of the message.
    text: str
    #: One of the reasons in `bot.records`.
    reason: str
    #: Seconds since the epoch.
    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialogue:
    """What a bot was told in a room lately, and what it said."""

    #: Whether a platform called the author of the message in question a bot.
    by_bot: bool
    #: The last one first, without what was held.
    rounds: tuple[Round, ...]
    #: None when nothing was ever held there, or that was forgotten.
    hold: Hold | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """What a bot is busy with in a room, or for one person in it."""

    #: Name of whoever is being answered; None when nobody is.
    asker: str | None
    #: Since when.
    since: datetime | None
    #: Messages that wait for their turn.
    waiting: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Horizon:
    """Where a session began anew because somebody said so."""

    platform: str
    key: SessionKey
    #: Of the command.
    position: int


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
class Trial:
    """A message ran, nothing else did, and the server ended."""

    #: The life of the server that ended; 0 when it was not counted yet.
    life: int
    #: How long after the attempt began, as far as the server was seen to live.
    lasted_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LostLife:
    """A life of the server that ended without its being told to stop."""

    number: int
    #: The trials of each message that ran then, had any, and was never answered.
    suspects: tuple[tuple[Trial, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Trials:
    """What a message is judged by that ran when the server ended."""

    #: The first one first.
    of_message: tuple[Trial, ...]
    #: Whatever was lost after the first of them, theirs included, in order.
    lost: tuple[LostLife, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftSign:
    """A sign of progress, in a room in which the turn has ended."""

    part: Part
    entry: Entry
    #: How it ended.
    outcome: Outcome


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
