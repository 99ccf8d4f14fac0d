"""Bringing signs of progress to their end: no room shows a turn under way that is over."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import structlog

from bot.config.bot import Bot
from bot.errors import ChatError, ChatUnavailable, ChatUncertain
from bot.journal.journal import Journal
from bot.journal.views import LeftSign
from bot.records import Entry, Outcome, Sign
from bot.rooms.lookup import Fate, History, Lookup
from bot.rooms.retry import retry_after

log = structlog.get_logger(__name__)

ANSWERED, FAILED = "✅", "❌"


class Remover(History, Protocol):
    """The platform, as far as signs of progress are brought to their end."""

    async def remove(self, *, room: str, message: str, key: str) -> None:
        """Remove a message of the bot, or find it gone; raises ChatError."""
        ...

    async def react(self, *, room: str, message: str, reaction: str, key: str) -> bool:
        """React to a message; False where bots cannot. Raises ChatError."""
        ...


class Roster(Protocol):
    """The bots, as far as their keys are wanted."""

    def serving(self, bot_id: str) -> Bot | None:
        """Return a bot, also when its file is gone; None if unknown."""
        ...


class Clearing:
    """Looks for what was left in the rooms: at the start, after turns, and every few seconds."""

    def __init__(
        self,
        journal: Journal,
        roster: Roster,
        chats: Mapping[str, Remover],
        *,
        lookup: Lookup,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._journal = journal
        self._roster = roster
        self._chats = chats
        self._lookup = lookup
        self._now = now
        #: One look at a time: two would do the same.
        self._looking = asyncio.Lock()
        #: Numbers of the messages whose turns may still show something.
        self.busy: set[int] = set()
        #: Numbers of those that wait, and are being reacted to.
        self._noticing: set[int] = set()
        #: Whether one of them has ended meanwhile.
        self._put_off = False
        #: Numbers of those that waited and were reacted to, and have not ended yet.
        self._noticed: set[int] = set()

    @property
    def owes_marks(self) -> bool:
        """Whether the end of a turn may be the end of messages that had waited."""
        return bool(self._noticed)

    async def notice(self, entry: Entry, reaction: Awaitable[bool]) -> bool:
        """Wait for the *reaction* to a message that waits, which nothing else may overtake."""
        self._noticing.add(entry.seq)
        self._noticed.add(entry.seq)
        shown = False
        try:
            shown = await reaction
        finally:
            self._noticing.discard(entry.seq)
            if not shown:
                self._noticed.discard(entry.seq)
        if self._put_off:
            self._put_off = False
            await self.run()
        return shown

    async def run(self) -> None:
        """Bring everything to its end that is due. Raises JournalError."""
        async with self._looking:
            for left in await self._journal.signs.left():
                if left.entry.seq in self._noticing:
                    self._put_off = True
                elif left.entry.seq not in self.busy:
                    self._noticed.discard(left.entry.seq)
                    await self._end(left)

    async def _end(self, left: LeftSign) -> None:
        bot = self._roster.serving(left.entry.message.bot)
        if bot is None:
            await self._leave(left, ChatError("its bot is not configured any more"))
        elif left.part.number == Sign.SEEN:
            await self._conclude(left, bot.credentials.key)
        else:
            await self._remove(left, bot.credentials.key)

    async def _conclude(self, left: LeftSign, key: str) -> None:
        """Show how it ended: once, and rather not than twice."""
        message = left.entry.message
        reaction = ANSWERED if left.outcome is Outcome.ANSWERED else FAILED
        if await self._journal.signs.end(left.entry, reaction):
            chat = self._chats[message.platform]
            try:
                await chat.react(room=message.room, message=message.id, reaction=reaction, key=key)
            except ChatError as error:
                log.info("reaction_failed", entry=left.entry.seq, why=str(error))

    async def _remove(self, left: LeftSign, key: str) -> None:
        try:
            remote_id = left.part.remote_id or await self._find(left, key)
            if remote_id is not None:
                chat, room = self._chats[left.entry.message.platform], left.entry.message.room
                await chat.remove(room=room, message=remote_id, key=key)
        except ChatError as error:
            await self._try_later(left, error)
        else:
            await self._journal.signs.forget(left.part)

    async def _find(self, left: LeftSign, key: str) -> str | None:
        """Return the id of what may have arrived; None: it has not, and cannot any more."""
        entry, chat = left.entry, self._chats[left.entry.message.platform]
        found = await self._lookup.glance(
            entry, left.part, after=entry.message.id, chat=chat, key=key
        )
        if found.fate is Fate.UNKNOWN or (
            found.fate is Fate.LOST and not self._lookup.is_over(left.part)
        ):
            raise ChatUncertain("it may still arrive")
        return found.remote_id

    async def _try_later(self, left: LeftSign, error: ChatError) -> None:
        # Also a refusal: a key that is wrong now may be mended before the hour is over.
        passing = ChatUnavailable(str(error))
        delay = retry_after(passing, left.part.tries + 1, jitter=random.random())  # noqa: S311 - no secret
        if delay is None:
            await self._leave(left, error)
            return
        log.info("placeholder_not_removed", entry=left.entry.seq, why=str(error), wait_s=delay)
        await self._journal.signs.put_off(
            left.part, not_before=self._now() + delay, error=str(error)
        )

    async def _leave(self, left: LeftSign, error: ChatError) -> None:
        log.warning("sign_left_in_room", entry=left.entry.seq, why=str(error))
        await self._journal.signs.give_up(left.part, error=str(error))
