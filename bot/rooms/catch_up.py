"""Answering what never arrived: mentions and direct messages found in the rooms' history.

Campfire sends each message once; what meets a closed port, or dies with its own queue, is lost on
the way. Its history, where it has one, still shows it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from math import inf
from typing import Protocol

import structlog

from bot.config.bot import Bot
from bot.errors import ChatError, ChatUnavailable, JournalUnavailable
from bot.journal.journal import Journal
from bot.journal.views import Place
from bot.records import Acceptance, Credentials, Ignored, Message, RoomMessage
from bot.rooms.commands import Command, command_of
from bot.rooms.lane import lane_of
from bot.rooms.off_record import with_record

log = structlog.get_logger(__name__)

#: Between two looks at the rooms in use, when nothing has gone wrong.
EVERY_S = 300.0
#: A room that was not used for so long is looked at when the server starts, and then no more.
_IN_USE_S = 86_400.0
#: The first look reaches back so far: a room that was silent for longer is a new one again.
_KNOWN_S = 30 * 86_400.0
#: Messages read of one room at a time; the rest comes with the next look.
_AT_ONCE = 200
#: Rooms read at the same time: the platform has people to serve as well.
_ROOMS_AT_ONCE = 4


class Historian(Protocol):
    """A platform, as far as catching up needs it."""

    async def history(
        self, *, room: str, key: str, after: str | None = None, before: str | None = None
    ) -> tuple[RoomMessage, ...] | None:
        """Return the newest page of a room, oldest first; None where there is no history."""
        ...

    async def history_since(
        self, room: str, key: str, after: str, *, limit: int
    ) -> tuple[RoomMessage, ...] | None:
        """Return what came after a message, oldest first."""
        ...

    def read_missed(
        self,
        message: RoomMessage,
        *,
        credentials: Credentials,
        bot_name: str,
        room: str,
        room_name: str | None,
        direct: bool,
        received_at: datetime,
    ) -> Message | Ignored:
        """Return what a delivery of *message* would have said."""
        ...


class Inbox(Protocol):
    """Where messages are made durable, and commands have their effect."""

    def accept(self, message: Message, *, lane: str) -> Awaitable[Acceptance]:
        """Take a message; it is on disk then."""
        ...


class Bots(Protocol):
    """The roster, as far as catching up needs it."""

    def get(self, bot_id: str) -> Bot | None:
        """Return the bot that takes deliveries under this id."""
        ...


class CatchUp:
    """Reads the rooms' history after what was read before, and takes in what is missing."""

    def __init__(
        self,
        journal: Journal,
        inbox: Inbox,
        bots: Bots,
        historians: Mapping[str, Historian],
        *,
        enqueue: Callable[[str], None],
        within_s: float,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._journal = journal
        self._inbox = inbox
        self._bots = bots
        self._historians = historians
        self._enqueue = enqueue
        self._within_s = within_s
        self._now = now
        self._last: float | None = None
        self._outage = False

    async def run(self) -> None:
        """Look where a look is due: everywhere at the start, then at the rooms in use.

        A room that could not be read is read again at the next call, whenever that is; and a new
        one is read as soon as it is known, so that it can be caught up with from then on.
        """
        if not self._within_s:
            return
        now = self._now()
        if self._due(now):
            known_s = _KNOWN_S if self._last is None else _IN_USE_S
            places = await self._journal.places.used_since(now - known_s)
            self._last, self._outage = now, False
        else:
            used = await self._journal.places.used_since(now - EVERY_S)
            places = tuple(place for place in used if place.cursor is None)
        gate = asyncio.Semaphore(_ROOMS_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for place in places:
                group.create_task(self._visit(place, gate), name=f"catch up {place.room}")

    def look_again(self) -> None:
        """Have the next call look at all rooms in use: something may not have arrived."""
        self._outage = True

    def _due(self, now: float) -> bool:
        return self._last is None or self._outage or now - self._last >= EVERY_S

    async def _visit(self, place: Place, gate: asyncio.Semaphore) -> None:
        bot = self._bots.get(place.bot)
        if bot is None:
            return
        async with gate:
            try:
                await self._catch_up(place, bot, self._historians[place.platform])
            except (ChatUnavailable, JournalUnavailable) as error:
                self._outage = True
                log.warning("catch_up_put_off", bot=bot.id, room=place.room, why=str(error))
            except ChatError as error:
                log.warning("catch_up_refused", bot=bot.id, room=place.room, why=str(error))

    async def _catch_up(self, place: Place, bot: Bot, historian: Historian) -> None:
        key, after = bot.credentials.key, place.cursor
        if after is None:
            found = await historian.history(room=place.room, key=key)
            if found:
                await self._journal.dialogues.note_bots(place.platform, found)
                after = await self._first_heard(place)
        if after is not None:
            found = await historian.history_since(place.room, key, after, limit=_AT_ONCE)
        if found is None or (not found and place.cursor == after):
            return  # no history here, or nothing new
        await self._journal.dialogues.note_bots(place.platform, found)
        if after is not None:  # else nobody knows what was answered
            await self._take_in(place, bot, historian, found)
        await self._journal.places.move_cursor(place, found[-1].id if found else str(after))

    async def _first_heard(self, place: Place) -> str | None:
        """Name the message from which on a new room can be caught up with.

        A server that was killed before its first look has heard it all the same.
        """
        since = self._now() - self._within_s
        return await self._journal.places.first_heard(place, since=since)

    async def _take_in(
        self, place: Place, bot: Bot, historian: Historian, found: Sequence[RoomMessage]
    ) -> None:
        """Accept what was missed; what is too old by now is skipped, and counted."""
        skipped = 0
        for message in self._addressed(place, bot, historian, found):
            lane = lane_of(bot, message)
            if self._now() - message.received_at.timestamp() > self._useful_s(message):
                skipped += await self._skip(message, lane)
            elif await self._inbox.accept(message, lane=lane) is Acceptance.NEW:
                log.info("message_caught_up", bot=bot.id, room=place.room, message=message.id)
                self._enqueue(lane)
        if skipped:
            log.warning("messages_too_old", bot=bot.id, room=place.room, skipped=skipped)

    def _useful_s(self, message: Message) -> float:
        """Tell for how long after it was said a message is worth an answer.

        What a command ends, or forgets, came before it, however late that is found out; what it
        asks about is another thing then.
        """
        match command_of(message):
            case None:
                return self._within_s
            case Command.STOP | Command.NEW:
                return inf
            case _:
                return min(self._within_s, EVERY_S)

    async def _skip(self, message: Message, lane: str) -> bool:
        reason = f"found over {self._useful_s(message):g} s after it was written"
        acceptance = await self._journal.skip(message, lane=lane, reason=reason)
        return acceptance is Acceptance.NEW

    @staticmethod
    def _addressed(
        place: Place, bot: Bot, historian: Historian, found: Sequence[RoomMessage]
    ) -> list[Message]:
        read = (
            historian.read_missed(
                message,
                credentials=bot.credentials,
                bot_name=bot.name,
                room=place.room,
                room_name=place.room_name,
                direct=place.direct,
                received_at=message.created_at,
            )
            for message in found
        )
        return [with_record(bot, message) for message in read if isinstance(message, Message)]
