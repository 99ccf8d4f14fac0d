"""What the stand-in Campfire knows: accounts, rooms, messages, and what became of a webhook."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

_GROWING = "⏳"
_SOUND = re.compile(r"/play (?P<name>\w+)")


class Dialect(StrEnum):
    """Which Campfire is stood in for."""

    #: Up to v1.4.9: a bot can post, and nothing else.
    RELEASED = "released"
    #: The main branch for some days: history and boosts, and no edits yet.
    HALFWAY = "halfway"
    #: The main branch: history, edits, deletions and boosts by bots.
    MAIN = "main"
    #: campfire-ce: a richer webhook, 300 s of patience; for bots otherwise as released.
    FORK = "fork"


class RoomKind(StrEnum):
    """Who can be in a room, and which messages reach a bot there."""

    OPEN = "open"
    CLOSED = "closed"
    #: No name; every message goes to its bots, mentioned or not.
    DIRECT = "direct"


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonAccount:
    """Somebody who uses the chat."""

    id: int
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BotAccount:
    """A bot, as the chat knows it."""

    id: int
    name: str
    #: ``{id}-{12 characters}``: a secret, and part of every address of the bot API.
    key: str = field(repr=False)
    #: Where messages for it are sent; None for nowhere.
    webhook_url: str | None


Account = PersonAccount | BotAccount


@dataclass(frozen=True, kw_only=True, slots=True)
class Boost:
    """A reaction to a message."""

    id: int
    content: str
    booster: Account
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A message as it stands in its room now."""

    id: int
    room_id: int
    creator: Account
    #: As stored, not sanitised; None for an upload.
    html: str | None
    #: The text, or the name of the file.
    plain: str
    #: The file's name; None when it is a text.
    filename: str | None
    created_at: datetime
    #: The file's content, when a bot posted it and this process knows it still.
    content: bytes | None = field(default=None, repr=False)
    #: The HTML it had before each edit, oldest first.
    edits: tuple[str, ...] = ()
    boosts: tuple[Boost, ...] = ()

    @property
    def is_attachment(self) -> bool:
        """Whether it is a file."""
        return self.filename is not None

    @property
    def is_blank(self) -> bool:
        """Whether it shows as an empty bubble."""
        return not self.plain.strip()

    @property
    def grows(self) -> bool:
        """Whether it is a sign of a bot of ours that more is to come, and no answer yet."""
        return self.plain.endswith(_GROWING)

    @property
    def sound(self) -> str | None:
        """The sound that it plays instead of showing its text, as ``/play tada`` does."""
        match = _SOUND.fullmatch(self.plain)
        return match["name"] if match and not self.is_attachment else None


class Fate(StrEnum):
    """What became of one webhook request."""

    #: Nothing in the room: the only right answer of a server that posts later.
    SILENT = "silent"
    TEXT = "text"
    FILE = "file"
    #: The job failed; nothing in the room.
    FAILED = "failed"
    #: "Failed to respond within 7 seconds" in the room.
    TIMED_OUT = "timed_out"
    #: No connection, or it broke; nothing in the room, and Campfire never tries again.
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One webhook request, and what became of it."""

    bot_id: int
    room_id: int
    #: None when the bytes were the test's own.
    message_id: int | None
    fate: Fate
    #: HTTP status of the answer; None when there was none.
    status: int | None
    content_type: str | None
    #: Before its connection was made; seconds of `time.perf_counter`.
    sent_at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiCall:
    """One request to the bot API."""

    method: str
    #: The route with its parameters' names, as the key is a secret.
    route: str
    room_id: int
    content_type: str | None
    status: int
    #: Of the message that it is about, or that it has made; None when there is none.
    message_id: int | None
    #: When its body was complete; seconds of `time.perf_counter`.
    came_at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """Something a well-behaved server never makes Campfire do."""

    #: One word: answer, timeout, bad_body, body_type, blank, lost_tag, sound.
    kind: str
    bot_id: int
    room_id: int
    #: What happened, for the reader of a failed test.
    what: str
