"""Reading what was said in a room before a message: in time, or not at all.

A platform that is slow, or fails, costs the context and nothing else.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from bot.config.bot import Bot
from bot.errors import ChatError
from bot.records import Entry, RoomMessage
from bot.rooms.silence import Silence

log = structlog.get_logger(__name__)

#: How long a turn waits for the platform, from its start; then it goes without.
PATIENCE_S: Final = 1.0
#: For so long after that, no turn waits for that platform.
_PAUSE_S: Final = 30.0
#: Messages on a page: more are read only for a bot that wants more.
_PAGE: Final = 40


class Readable(Protocol):
    """A platform, as far as it gives the history of a room."""

    async def history(
        self, *, room: str, key: str, after: str | None = None, before: str | None = None
    ) -> tuple[RoomMessage, ...] | None:
        """Return the page next to a message, oldest first; None where there is no history."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Up to where a session has heard its room: a message that it has answered."""

    session_id: str
    #: The message's number in the journal, and its id and position on the platform.
    entry: int
    message: str
    position: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What was read of a room."""

    #: Oldest first.
    messages: Sequence[RoomMessage]
    #: What came before it was not read; None: as much was read as may come along.
    mark: Mark | None = None

    def suits(self, session_id: str, *, lost: bool) -> bool:
        """Whether it has all that a session may have to be told."""
        return self.mark is None or (self.mark.session_id == session_id and not lost)


class Reader:
    """Reads rooms, for no longer than a turn can wait."""

    def __init__(self, silence: Silence, patience_s: float) -> None:
        self._silence = silence
        self._patience_s = patience_s
        #: By platform, when it may be asked again; on the loop's clock.
        self._not_before: dict[str, float] = {}

    def silent(self, entry: Entry, mark: Mark | None) -> Reading | None:
        """Return what there is to read since *mark*, if that is known to be nothing; else None."""
        if mark is None or not self._silence.lasts(entry.message, since=mark.position):
            return None
        return Reading(messages=(), mark=mark)

    async def read(
        self, entry: Entry, bot: Bot, room: Readable, mark: Mark | None
    ) -> Reading | None:
        """Return the talk before *entry*, of which nothing up to *mark* can matter.

        None: nothing of it can matter, or it cannot be read.
        """
        now = asyncio.get_running_loop().time
        all_addressed = entry.message.direct
        paused = now() < self._not_before.get(bot.platform, 0.0)
        if all_addressed or paused or not bot.session.context_messages:
            return None
        try:
            async with asyncio.timeout(self._patience_s):
                return await _read(entry, bot, room, mark)
        except TimeoutError:
            self._not_before[bot.platform] = now() + _PAUSE_S
            why = f"no history within {self._patience_s:g} s"
        except ChatError as error:
            why = str(error)
        log.info("context_unread", bot=bot.id, room=entry.message.room, why=why)
        return None


async def _read(entry: Entry, bot: Bot, room: Readable, mark: Mark | None) -> Reading | None:
    if mark is not None:
        page = await room.history(
            room=entry.message.room, key=bot.credentials.key, after=mark.message
        )
        if page is None:
            return None
        if len(page) < _PAGE:
            return Reading(messages=page, mark=mark)
    pages = await _pages(entry, bot, room)
    return None if pages is None else Reading(messages=pages)


async def _pages(entry: Entry, bot: Bot, room: Readable) -> Sequence[RoomMessage] | None:
    """Read as many messages as could come along, in pages."""
    read: tuple[RoomMessage, ...] = ()
    for _ in range(-(-bot.session.context_messages // _PAGE)):
        page = await room.history(
            room=entry.message.room,
            key=bot.credentials.key,
            before=read[0].id if read else entry.message.id,
        )
        if page is None:
            return None
        if not page:
            break
        read = page + read
    return read
