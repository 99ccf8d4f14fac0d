"""The records that travel between the stages. Frozen, keyword-only; times are aware UTC."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum


class MessageKind(StrEnum):
    """What sort of thing was said."""

    TEXT = "text"
    #: Only the bot's name, nothing else.
    BARE = "bare"
    #: A file; `Message.text` is its name, nobody gives us its content.
    UPLOAD = "upload"


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Who said something. The name is free text chosen by that person: never trusted."""

    #: The platform's id, as text.
    id: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What a person said to a bot in a room, as read from one delivery."""

    #: The platform's name in bot files: "campfire".
    platform: str
    #: Id of the bot that is addressed (the bot file's name without its ending).
    bot: str
    #: The platform's room id, as text.
    room: str
    #: None in a direct room, which has no name.
    room_name: str | None
    #: Whether the room is a direct one (a person and the bot, or a few of both).
    direct: bool
    #: The platform's message id, as text: with platform and bot, the key of deduplication.
    id: str
    #: Where the platform puts the message among all others; lower is earlier.
    position: int
    author: Person
    kind: MessageKind
    #: Plain text with the mention taken out; a file's name for an upload; "" when bare.
    text: str
    #: As the platform stores it, not sanitised; None for an upload.
    html: str | None
    received_at: datetime
    #: Whether nothing of it, nor of its answer, may be kept once it has ended. Decided when it is
    #: accepted.
    off_record: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two deliveries the same message."""
        return (self.platform, self.bot, self.id)


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomMessage:
    """A message as a room's history shows it now, whoever wrote it, addressed to a bot or not."""

    #: The platform's message id, as text.
    id: str
    #: As in `Message`: lower is earlier.
    position: int
    author: Person
    #: Whether the platform calls the author a bot, one of ours or not.
    by_bot: bool
    #: As the platform stores it, not sanitised; None for an upload.
    html: str | None
    #: Plain text, mentions included as ``@Name``; a file's name for an upload.
    plain: str
    created_at: datetime


class Outcome(StrEnum):
    """How a message ended. Together with the open ones they add up to the accepted ones."""

    ANSWERED = "answered"
    #: Answered with a plain sentence instead: over a limit, a failed turn.
    TOLD = "told"
    #: Ended by a command.
    STOPPED = "stopped"
    #: Too old at catch-up, own echo, loop guard.
    SKIPPED = "skipped"
    #: Given up: an operator can list it and resend.
    DEAD = "dead"


#: Why a message was held: what answers each other here are machines, by what they say.
LOOP_GUARD = "loop_guard"
#: The same, by how fast or how long nobody but this author and the bot has spoken.
LOOP_GUARD_PACE = "loop_guard: pace"


class Acceptance(StrEnum):
    """What the journal made of a message."""

    NEW = "new"
    #: The same message was accepted before; it is answered once.
    REPEATED = "repeated"


class PartKind(StrEnum):
    """Why Hearth says something in a room."""

    ANSWER = "answer"
    NOTICE = "notice"
    REFUSAL = "refusal"
    COMMAND = "command"
    PROGRESS = "progress"


class Sign(IntEnum):
    """How a room is shown that a turn is under way; the number of a part that is progress.

    Each message has one of each at most. The first two are brought to an end with the turn.
    """

    #: A message that grows with the answer; then it becomes the answer, or goes.
    PLACEHOLDER = 0
    #: A reaction: somebody is at it.
    SEEN = 1
    #: A sentence that stays, where messages cannot be changed.
    NOTICE = 2
    #: A reaction: how it ended.
    ENDED = 3


class PartState(StrEnum):
    """How far a part of a reply has come."""

    QUEUED = "queued"
    #: Its bytes may have left; synced before they do.
    SENDING = "sending"
    POSTED = "posted"
    DEAD = "dead"


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One message that Hearth posts: a row of the outbox."""

    #: The outbox's own number.
    seq: int
    #: Number of the inbox entry it answers.
    entry: int
    #: 0, 1, … within the reply; of progress, its `Sign`.
    number: int
    kind: PartKind
    #: "" when it is a file.
    html: str
    #: The name of the file that is posted; None when it is a text.
    file: str | None = None
    state: PartState
    #: The platform's id of the posted message, once known. Of a part that is not posted yet: of the
    #: placeholder that becomes it by an edit.
    remote_id: str | None
    #: Posts tried so far.
    tries: int
    #: Not to be tried before this moment (seconds since the epoch).
    not_before: float
    #: When the bytes of the last try were about to leave (seconds since the epoch).
    sent_at: float | None
    #: It was repeated after a crash and may stand in the room twice.
    possible_duplicate: bool
    #: Why the last try failed; None when none did.
    error: str | None


class AttemptState(StrEnum):
    """What became of one try at answering a message."""

    RUNNING = "running"
    ANSWERED = "answered"
    #: Answered together with another prompt, under whose uuid the transcript has it.
    ABSORBED = "absorbed"
    FAILED = "failed"
    #: The server went away while it ran.
    INTERRUPTED = "interrupted"
    #: The server was being stopped while it ran: whatever ended it, the message did not.
    CUT_OFF = "cut_off"
    #: A command ended its message.
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One try at answering a message, journaled before the prompt leaves."""

    seq: int
    entry: int
    #: 1, 2, … for this message.
    number: int
    #: The uuid the prompt is sent with; the transcript and the result name it.
    prompt_uuid: str
    #: The agent session it was asked in.
    session_id: str
    state: AttemptState
    started_at: datetime
    #: The attempt during which it was sent, as an addition; None for one that began a turn.
    behind: int | None = None
    #: Up to which position the room's own talk came along with it; None when nobody could read it.
    heard: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """An accepted message with what is known of it: a row of the inbox and what hangs on it."""

    #: The inbox's own number, in the order of acceptance.
    seq: int
    #: The lane: the room, or room and bot, within which one turn runs at a time.
    lane: str
    message: Message
    accepted_at: datetime
    #: How it will be settled once every part is posted; None while there is no reply yet.
    verdict: Outcome | None
    #: Earlier attempts, oldest first.
    attempts: tuple[Attempt, ...]
    #: The frozen reply, in order; empty while there is none.
    parts: tuple[Part, ...]
    #: Messages that are answered together with this one, in the platform's order.
    companions: tuple["Entry", ...] = ()
    #: An attempt that began when it was accepted, and that nobody has used yet.
    begun: Attempt | None = None

    @property
    def messages(self) -> tuple[Message, ...]:
        """What one reply answers: the message and its companions', in the platform's order."""
        every = sorted(
            (self, *self.companions), key=lambda entry: (entry.message.position, entry.seq)
        )
        return tuple(entry.message for entry in every)

    @property
    def askers(self) -> tuple[Person, ...]:
        """Who is answered, each once, in the order of their first words."""
        return tuple({message.author.id: message.author for message in self.messages}.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """A settled turn as the history keeps it, for the recap of a lost session."""

    platform: str
    bot: str
    room: str
    author: Person
    #: What was asked, as text.
    question: str
    #: What the room was told, as text (Markdown, not HTML); None: the next one's, which answered
    #: both.
    answer: str | None
    settled_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionKey:
    """Whose memory a session is: a bot's of a room, or of one person in a room."""

    room: str
    bot: str
    #: The person's id with ``scope = "user"``, else None.
    user: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """What proves that a delivery is meant for a bot, and lets Hearth post as it."""

    #: Id of the bot.
    bot: str
    #: The platform's key of the bot; Campfire: ``{user id}-{12 characters}``.
    key: str = field(repr=False)
    #: Expected in the webhook's query as ``secret``, for payloads that carry no key.
    webhook_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ignored:
    """An authentic delivery that asks for nothing."""

    #: One word for the counter: own_message, other_bot, not_addressed, unknown_type.
    why: str
