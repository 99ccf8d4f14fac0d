"""Whether a part that may have left stands in its room: read in the room's history."""

import asyncio
import html
import random
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import structlog

from bot.errors import ChatError, ChatUncertain, PostFailed
from bot.journal.journal import Journal
from bot.records import Entry, Part, RoomMessage
from bot.rooms.retry import retry_after

log = structlog.get_logger(__name__)

#: A post that was not answered for so long is given up by whoever made it, and by the platform.
POST_TIMEOUT_S = 20.0

#: Of what was said since: a room that said more keeps its secret.
_LIMIT = 1000

_TAG = re.compile(r"<[^>]*>")
#: Elements of the platform's own, such as mentions: what they show it decides each time.
_PLATFORMS_OWN = re.compile(r"<(?P<name>[a-z]+-[a-z-]+)\b[^>]*>.*?</(?P=name)>", re.DOTALL)


class History(Protocol):
    """The platform, as far as a room can be read."""

    async def history_since(
        self, room: str, key: str, after: str, *, limit: int
    ) -> tuple[RoomMessage, ...] | None:
        """Return what came after a message, oldest first; None when there is no history."""
        ...

    def author_of(self, key: str) -> str:
        """Return the id of the author as whom *key* posts."""
        ...


class Fate(Enum):
    """What has become of a part that may have left."""

    ARRIVED = "arrived"
    #: It is not in the room, and cannot come any more.
    LOST = "lost"
    #: Nobody can tell.
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What a look into the room has shown."""

    fate: Fate
    #: The platform's id of the part, when it has arrived.
    remote_id: str | None = None


_UNKNOWN = Finding(fate=Fate.UNKNOWN)
_LOST = Finding(fate=Fate.LOST)


class Lookup:
    """Looks for parts in their rooms."""

    def __init__(
        self,
        journal: Journal,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._journal = journal
        self._now = now
        self._sleep = sleep

    async def look_for(
        self,
        entry: Entry,
        part: Part,
        doubt: ChatUncertain,
        *,
        after: str | None,
        chat: History,
        key: str,
    ) -> Finding:
        """Return what has become of *part*; *after* is the last message known to stand before it.

        What is not there yet may be on its way, by what the *doubt* says, and is waited for.
        Raises ChatUncertain when the platform does not let itself be read, after as many tries as
        a post gets.
        """
        if after is None:
            return _UNKNOWN
        over = isinstance(doubt, PostFailed) and doubt.over
        arrives_until = 0.0 if over else self.arrives_until(part)
        while True:
            left = arrives_until - self._now()
            news = await self._read(entry.message.room, key, after, chat)
            finding = await self._judge(entry, part, news, author=chat.author_of(key))
            if finding is not _LOST or left <= 0:
                return finding
            await self._sleep(left)

    async def glance(
        self, entry: Entry, part: Part, *, after: str, chat: History, key: str
    ) -> Finding:
        """Look once, for what may be on its way still. Raises ChatError."""
        news = await chat.history_since(entry.message.room, key, after, limit=_LIMIT)
        return await self._judge(entry, part, news, author=chat.author_of(key))

    def arrives_until(self, part: Part) -> float:
        """Return the moment (seconds since the epoch) from which *part* cannot arrive any more."""
        return (part.sent_at or 0.0) + POST_TIMEOUT_S

    def is_over(self, part: Part) -> bool:
        """Whether *part* has arrived by now, or never will."""
        return self._now() >= self.arrives_until(part)

    async def _read(
        self, room: str, key: str, after: str, chat: History
    ) -> tuple[RoomMessage, ...] | None:
        """Read the room, again and again while that may help; raises ChatUncertain in the end."""
        tries = 0
        while True:
            try:
                return await chat.history_since(room, key, after, limit=_LIMIT)
            except ChatError as error:
                tries += 1
                delay = retry_after(error, tries, jitter=random.random())  # noqa: S311 - no secret
                if delay is None:
                    raise ChatUncertain(f"the room cannot be read: {error}") from error
                log.warning("history_unreadable", room=room, why=str(error), wait_s=delay)
            await self._sleep(delay)

    async def _judge(
        self, entry: Entry, part: Part, news: Sequence[RoomMessage] | None, *, author: str
    ) -> Finding:
        if news is None:
            return _UNKNOWN
        signs = map(_characters, await self._journal.signs.unknown(entry, but=part))
        others = set(signs) - {_characters(part.html)}
        ours = [
            message
            for message in news
            if message.author.id == author and _characters(message.html or "") not in others
        ]
        known = await self._journal.posted_ids(
            platform=entry.message.platform, ids=[message.id for message in ours]
        )
        finding = judge(ours, part, known=known)
        return _UNKNOWN if finding is _LOST and len(news) >= _LIMIT else finding


def judge(ours: Iterable[RoomMessage], part: Part, *, known: AbstractSet[str]) -> Finding:
    """Return what has become of *part*, by what its bot has said since.

    *known* are the ids of messages that are accounted for. Another one that says something else
    may be the part, changed by the platform, or somebody else's who posts with the same key.
    """
    strange = [message for message in ours if message.id not in known]
    shows = _shows_file if part.file is not None else _says
    for message in strange:
        if shows(message, part):
            return Finding(fate=Fate.ARRIVED, remote_id=message.id)
    return _UNKNOWN if strange else _LOST


def _says(message: RoomMessage, part: Part) -> bool:
    return _characters(message.html or "") == _characters(part.html)


def _shows_file(message: RoomMessage, part: Part) -> bool:
    """Of a file, a room's history shows the name and nothing else."""
    return not message.html and message.plain == part.file


def _characters(markup: str) -> str:
    """Return what can be seen of *markup*, without its spaces: those are the platform's."""
    text = _TAG.sub(" ", _PLATFORMS_OWN.sub(" ", markup))
    return "".join(html.unescape(text).split())
