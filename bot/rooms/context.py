"""What was said in a room meanwhile, to others or to nobody: background for the next turn.

Read while the turn's session is being opened, and only where it can matter. A session that has
heard the room before is told what came since, and no more than that is read.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from bot.config.bot import Bot
from bot.journal.hearing import Heard
from bot.records import Entry, RoomMessage, SessionKey
from bot.rooms.beside import beside
from bot.rooms.overheard import overheard
from bot.rooms.reading import PATIENCE_S, Mark, Readable, Reader, Reading
from bot.rooms.silence import Silence

#: What is older comes along no more. The journal knows for a day longer what was off the record.
OLDEST_S = 7 * 86_400.0
#: Sessions of which it is remembered how far they have heard; the journal knows it of all.
_MOST_MARKS: Final = 10_000


class Listener(Readable, Protocol):
    """A platform, as far as a room's talk goes."""

    def author_of(self, key: str) -> str:
        """Return the id of the author as whom *key* posts."""
        ...

    def is_addressed(self, message: RoomMessage, *, key: str) -> bool:
        """Whether a message in a room of several was said to the bot of *key*."""
        ...


class Hearing(Protocol):
    """The journal, as far as it knows what a session has heard."""

    async def look(
        self, session_id: str, *, entry: int, platform: str, ids: Sequence[str]
    ) -> Heard:
        """Say what a session has heard before *entry*, and what of *ids* it may not hear."""
        ...


class Horizon(Protocol):
    """Where a session's room begins: nothing from before comes back."""

    async def horizon(self, platform: str, key: SessionKey) -> int | None:
        """Return the position of the last message that is out of sight; None for none."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What comes along with a message."""

    #: Oldest first.
    remarks: tuple[RoomMessage, ...] = ()
    #: Up to which position the session has heard its room then; None when nobody listened.
    upto: int | None = None


class Talk(Protocol):
    """A room's talk, for whoever is going to hear of it."""

    async def unheard_by(self, session_id: str, *, lost: bool) -> Context:
        """Return what a session has not heard yet; one whose memory was *lost* hears it again."""
        ...

    def told(self, session_id: str, context: Context) -> None:
        """Take note that a session has answered what *context* came along with."""
        ...


class Contexts:
    """Listens to rooms, for no longer than a turn can wait."""

    def __init__(
        self,
        hearing: Hearing,
        listeners: Mapping[str, Listener],
        horizon: Horizon,
        silence: Silence,
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._hearing = hearing
        self._listeners = listeners
        self._horizon = horizon
        self._reader = Reader(silence, patience_s)
        #: Up to where a room's session has heard it: from there on it is read.
        self._marks: dict[SessionKey, Mark] = {}

    @asynccontextmanager
    async def listening(self, entry: Entry, bot: Bot, key: SessionKey) -> AsyncIterator[Talk]:
        """Read what was said before *entry* while the block goes on; *key* names who hears it."""
        listener, mark = self._listeners[bot.platform], self._marks.get(key)
        if mark is not None and mark.entry == entry.seq:
            mark = None  # what an earlier try was told does not count
        if (silent := self._reader.silent(entry, mark)) is not None:
            known = asyncio.get_running_loop().create_future()
            known.set_result(silent)
            yield _Talk(self, entry, bot, key, known)
            return
        work = self._reader.read(entry, bot, listener, mark)
        async with beside(work, f"context {entry.message.room}") as reading:
            yield _Talk(self, entry, bot, key, reading)

    async def unheard(
        self, talk: "_Talk", reading: Reading | None, session_id: str, *, lost: bool
    ) -> Context:
        """Return what a session has not heard of what was read, or has to be read for it."""
        entry, bot = talk.entry, talk.bot
        listener = self._listeners[bot.platform]
        if reading is not None and not reading.suits(session_id, lost=lost):
            reading = await self._reader.read(entry, bot, listener, None)
        if reading is None:
            return Context()
        own = listener.author_of(bot.credentials.key)
        said = _unaddressed(reading, entry, bot, listener)
        remarks: tuple[RoomMessage, ...] = ()
        if said:
            heard = await self._hearing.look(
                session_id,
                entry=entry.seq,
                platform=bot.platform,
                ids=[message.id for message in said],
            )
            begin = await self._horizon.horizon(bot.platform, talk.key) or 0
            oldest_s = min(bot.session.ttl_s, OLDEST_S)
            remarks = overheard(
                said,
                since=max(begin, _since(reading, heard, own, lost=lost)),
                until=entry.message.position,
                not_before=entry.accepted_at - timedelta(seconds=oldest_s),
                withheld=heard.withheld,
                most=bot.session.context_messages,
            )
        return Context(remarks=remarks, upto=entry.message.position)

    def mark(self, key: SessionKey, mark: Mark) -> None:
        """Remember up to where a session has heard its room."""
        self._marks.pop(key, None)
        self._marks[key] = mark
        if len(self._marks) > _MOST_MARKS:
            del self._marks[next(iter(self._marks))]


def _unaddressed(reading: Reading, entry: Entry, bot: Bot, listener: Listener) -> list[RoomMessage]:
    """Return what others said before *entry* that was not for the bot."""
    key = bot.credentials.key
    own = listener.author_of(key)
    return [
        message
        for message in reading.messages
        if message.author.id != own
        and message.position < entry.message.position
        and not listener.is_addressed(message, key=key)
    ]


def _since(reading: Reading, heard: Heard, own: str, *, lost: bool) -> int:
    """Return where to begin: a new session has heard nothing, and wants no old stories."""
    if heard.upto is not None:
        return heard.upto
    answers = (message.position for message in reading.messages if message.author.id == own)
    return 0 if lost else max(answers, default=0)


class _Talk:
    """What was read of a room, or is going to be."""

    def __init__(
        self,
        contexts: Contexts,
        entry: Entry,
        bot: Bot,
        key: SessionKey,
        reading: Awaitable[Reading | None],
    ) -> None:
        self.entry = entry
        self.bot = bot
        self.key = key
        self._contexts = contexts
        self._reading = reading

    async def unheard_by(self, session_id: str, *, lost: bool) -> Context:
        """Return what a session has not heard yet; one whose memory was *lost* hears it again."""
        return await self._contexts.unheard(self, await self._reading, session_id, lost=lost)

    def told(self, session_id: str, context: Context) -> None:
        """Take note that a session has answered what *context* came along with."""
        message = self.entry.message
        if context.upto is not None and not message.off_record:
            mark = Mark(
                session_id=session_id,
                entry=self.entry.seq,
                message=message.id,
                position=message.position,
            )
            self._contexts.mark(self.key, mark)


class _Silence:
    """The talk of a room that nobody listens to."""

    async def unheard_by(self, session_id: str, *, lost: bool) -> Context:
        """Return nothing."""
        _ = session_id, lost
        return Context()

    def told(self, session_id: str, context: Context) -> None:
        """Forget it."""


class Deaf:
    """Listens to no room."""

    @asynccontextmanager
    async def listening(self, entry: Entry, bot: Bot, key: SessionKey) -> AsyncIterator[Talk]:
        """Hear nothing."""
        _ = entry, bot, key
        yield _Silence()
