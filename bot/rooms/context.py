"""What was said in a room meanwhile, to others or to nobody: background for the next turn.

Read while the turn's session is being opened, and only where it can matter. A platform that is
slow, or fails, costs the context and nothing else.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog

from bot.config.bot import Bot
from bot.errors import ChatError
from bot.journal.hearing import Heard
from bot.records import Entry, RoomMessage, SessionKey
from bot.rooms.beside import beside
from bot.rooms.overheard import overheard

log = structlog.get_logger(__name__)

#: What is older comes along no more. The journal knows for a day longer what was off the record.
OLDEST_S = 7 * 86_400.0
#: How long a turn waits for the platform, from its start; then it goes without.
_PATIENCE_S = 1.0
#: For so long after that, no turn waits for that platform.
_PAUSE_S = 30.0
#: Messages on a page: more are read only for a bot that wants more.
_PAGE = 40


class Listener(Protocol):
    """A platform, as far as a room's talk goes."""

    async def history(
        self, *, room: str, key: str, after: str | None = None, before: str | None = None
    ) -> tuple[RoomMessage, ...] | None:
        """Return the page before a message, oldest first; None where there is no history."""
        ...

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

    async def unheard_by(self, session_id: str, key: SessionKey, *, lost: bool) -> Context:
        """Return what a session has not heard yet; one whose memory was *lost* hears it again."""
        ...


class Contexts:
    """Listens to rooms, for no longer than a turn can wait."""

    def __init__(
        self,
        hearing: Hearing,
        listeners: Mapping[str, Listener],
        horizon: Horizon,
        *,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._hearing = hearing
        self._listeners = listeners
        self._horizon = horizon
        self._patience_s = patience_s
        #: By platform, when it may be asked again; on the loop's clock.
        self._not_before: dict[str, float] = {}

    @asynccontextmanager
    async def listening(self, entry: Entry, bot: Bot) -> AsyncIterator[Talk]:
        """Read what was said before *entry* while the block goes on."""
        listener = self._listeners[bot.platform]
        work = self._read(entry, bot, listener)
        async with beside(work, f"context {entry.message.room}") as reading:
            yield _Talk(entry, bot, listener, reading, self._hearing, self._horizon)

    async def _read(
        self, entry: Entry, bot: Bot, listener: Listener
    ) -> Sequence[RoomMessage] | None:
        """Return the talk before *entry*; None when it cannot matter, or cannot be read."""
        now = asyncio.get_running_loop().time
        all_addressed = entry.message.direct
        paused = now() < self._not_before.get(bot.platform, 0.0)
        if all_addressed or paused or not bot.session.context_messages:
            return None
        try:
            async with asyncio.timeout(self._patience_s):
                return await _pages(entry, bot, listener)
        except TimeoutError:
            self._not_before[bot.platform] = now() + _PAUSE_S
            why = f"no history within {self._patience_s:g} s"
        except ChatError as error:
            why = str(error)
        log.info("context_unread", bot=bot.id, room=entry.message.room, why=why)
        return None


async def _pages(entry: Entry, bot: Bot, listener: Listener) -> Sequence[RoomMessage] | None:
    """Read as many messages as could come along, in pages."""
    room, key = entry.message.room, bot.credentials.key
    read: tuple[RoomMessage, ...] = ()
    for _ in range(-(-bot.session.context_messages // _PAGE)):
        before = read[0].id if read else entry.message.id
        page = await listener.history(room=room, key=key, before=before)
        if page is None:
            return None
        if not page:
            break
        read = page + read
    return read


class _Talk:
    """What was read of a room, or is going to be."""

    def __init__(
        self,
        entry: Entry,
        bot: Bot,
        listener: Listener,
        reading: Awaitable[Sequence[RoomMessage] | None],
        hearing: Hearing,
        horizon: Horizon,
    ) -> None:
        self._entry = entry
        self._bot = bot
        self._listener = listener
        self._reading = reading
        self._hearing = hearing
        self._horizon = horizon

    async def unheard_by(self, session_id: str, key: SessionKey, *, lost: bool) -> Context:
        """Return what a session has not heard yet; one whose memory was *lost* hears it again."""
        read = await self._reading
        if read is None:
            return Context()
        entry, session = self._entry, self._bot.session
        heard = await self._hearing.look(
            session_id,
            entry=entry.seq,
            platform=self._bot.platform,
            ids=[message.id for message in read],
        )
        begin = await self._horizon.horizon(self._bot.platform, key) or 0
        oldest_s = min(session.ttl_s, OLDEST_S)
        remarks = overheard(
            self._unaddressed(read),
            since=max(begin, self._since(read, heard, lost=lost)),
            until=entry.message.position,
            not_before=entry.accepted_at - timedelta(seconds=oldest_s),
            withheld=heard.withheld,
            most=session.context_messages,
        )
        return Context(remarks=remarks, upto=entry.message.position)

    def _since(self, read: Sequence[RoomMessage], heard: Heard, *, lost: bool) -> int:
        """Return where to begin: a new session has heard nothing, and wants no old stories."""
        if heard.upto is not None:
            return heard.upto
        own = self._listener.author_of(self._bot.credentials.key)
        answers = (message.position for message in read if message.author.id == own)
        return 0 if lost else max(answers, default=0)

    def _unaddressed(self, read: Sequence[RoomMessage]) -> list[RoomMessage]:
        """Return what others said that was not for the bot."""
        key = self._bot.credentials.key
        own = self._listener.author_of(key)
        return [
            message
            for message in read
            if message.author.id != own and not self._listener.is_addressed(message, key=key)
        ]


class _Silence:
    """The talk of a room that nobody listens to."""

    async def unheard_by(self, session_id: str, key: SessionKey, *, lost: bool) -> Context:
        """Return nothing."""
        _ = session_id, key, lost
        return Context()


class Deaf:
    """Listens to no room."""

    @asynccontextmanager
    async def listening(self, entry: Entry, bot: Bot) -> AsyncIterator[Talk]:
        """Hear nothing."""
        _ = entry, bot
        yield _Silence()
