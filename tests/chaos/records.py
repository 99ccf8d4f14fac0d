"""What a run has seen, each from where it cannot be wrong about itself."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.chaos.plan import Blow, Question


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """One webhook request, as the chat saw it. Moments are seconds since the epoch."""

    began: float
    ended: float
    #: None when there was no answer.
    status: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A question, as the chat knows it."""

    question: Question
    #: The chat's id of the message.
    message_id: int
    #: The chat's id of the room.
    room: int
    #: When the person said it, in seconds since the epoch.
    said_at: float
    deliveries: tuple[Sent, ...]

    @property
    def acknowledged_at(self) -> float | None:
        """When the chat was first told that it is taken; None if it never was."""
        return min((sent.ended for sent in self.deliveries if sent.status == 204), default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A message of a bot, as it stands in a room in the end."""

    room: int
    message_id: int
    at: float
    #: The marks of questions in it, each as often as it occurs; empty for a notice.
    marks: tuple[str, ...]
    text: str
    #: Whether it says that it goes on: it is no answer.
    growing: bool = False
    #: Whether it says that a turn takes long: it is no notice.
    working: bool = False
    #: How often it was edited.
    edits: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """A request to the model."""

    at: float
    #: The number of the question that was asked last; None if it is none of ours.
    number: int | None
    #: Numbers of the questions that the conversation holds more than once.
    repeated: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A message in the journal, read after the server ended."""

    message_id: int
    bot: str
    lane: str
    room: int
    #: ``open``, or how it ended.
    state: str
    reason: str | None
    accepted_at: float
    settled_at: float | None
    #: When each attempt at answering began.
    starts: tuple[float, ...]
    #: Parts of its reply that may stand in the room more than once.
    marked: int
    #: How many copies of them there may be beyond the first.
    spare: int
    #: Parts that are sentences of the server's own, and that were posted.
    notices: int
    #: As above, of those only.
    spare_notices: int
    #: Sentences that said that it takes long; they are never said again.
    working: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Poll:
    """The equation, as the server showed it at one moment."""

    at: float
    counts: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Life:
    """One process of the server, from its start to its end."""

    started: float
    ended: float
    #: What ended it; None: nobody did.
    ended_by: Blow | None
    #: Exit status, or minus the signal.
    status: int
    #: When it said that it listens; None if it never came to that.
    listening: float | None
    #: Children that outlived it by too much.
    orphans: int
    #: Children that ended and that it did not wait for.
    zombies: int
    #: It was told to end, did not in time, and was killed.
    hung: bool = False
    #: What it wrote that was no line of the log: sentences for an operator, or a traceback.
    words: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A while in which the server had a full disk."""

    begin: float
    end: float


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """Everything that a run has seen."""

    asked: tuple[Asked, ...]
    shown: tuple[Shown, ...]
    prompts: tuple[Prompt, ...]
    rows: tuple[Row, ...]
    polls: tuple[Poll, ...]
    lives: tuple[Life, ...]
    #: Blows that met a process.
    blows: Mapping[str, int]
    #: Troubles that happened around the server.
    troubles: Mapping[str, int]
    #: When its disk was full.
    full: tuple[Window, ...]
    #: What the chat complained about, by kind.
    complaints: Mapping[str, int]
    #: What the server logged as a warning or worse, by event.
    logged: Mapping[str, int]
    #: Whether the chat has a history, from which a server reads what never arrived.
    has_history: bool
    #: Whether everything was settled in the time given.
    settled: bool
    #: Seconds from the start to the end of it all.
    took_s: float
