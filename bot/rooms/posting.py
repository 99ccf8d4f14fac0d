"""Posting a frozen reply: part by part, in order, each known before its bytes leave."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

import structlog

from bot.errors import ChatError, ChatRefused, ChatUncertain, JournalUnavailable
from bot.journal.journal import Journal
from bot.records import Entry, Outcome, Part, PartState
from bot.rooms.retry import retry_after

log = structlog.get_logger(__name__)
T = TypeVar("T")

#: Between two tries to record what has happened in the room already.
_JOURNAL_RETRY_S = 1.0


class Chat(Protocol):
    """The platform, as far as a reply needs it."""

    def render(self, markdown: str) -> tuple[str, ...]:
        """Return the messages that say *markdown*, none of them blank."""
        ...

    async def post(self, *, room: str, html: str, key: str) -> str | None:
        """Post one message and return its id; raises ChatError."""
        ...


class Posting:
    """Brings frozen replies into their rooms and settles their messages."""

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

    async def deliver(
        self,
        entry: Entry,
        parts: Sequence[Part],
        chat: Chat,
        key: str,
        *,
        fresh: bool,
        reason: str | None = None,
    ) -> Outcome:
        """Post what is not posted yet, and settle. Returns how the message ended.

        *fresh* says that this process froze the reply just now: a part that is `sending` has not
        left then. Otherwise it may have. *reason* is kept with the settled message.
        """
        dead = next((part for part in parts if part.state is PartState.DEAD), None)
        if dead is not None:  # given up before a crash, and not settled yet
            return await self._bury(entry, dead.error or "given up")
        pending = [p for p in parts if p.state in (PartState.QUEUED, PartState.SENDING)]
        last, remote_id = None, None
        for part in pending:
            if last is not None:
                await self._insist(partial(self._journal.mark_posted, last, remote_id=remote_id))
            try:
                remote_id = await self._post(entry, part, chat, key, fresh=fresh)
            except ChatError as error:
                return await self._give_up(entry, part, error)
            last = part
        # The last part is recorded with the settled message, in one commit.
        settle = partial(self._journal.settle, entry, reason=reason, last=last, remote_id=remote_id)
        await self._insist(settle)
        return entry.verdict or Outcome.ANSWERED

    async def _post(
        self, entry: Entry, part: Part, chat: Chat, key: str, *, fresh: bool
    ) -> str | None:
        """Post one part, again and again while that may help; raises ChatError in the end."""
        part = await self._claim(part, fresh=fresh)
        while part.state is PartState.SENDING:
            try:
                return await chat.post(room=entry.message.room, html=part.html, key=key)
            except ChatUncertain as error:
                part = await self._repeat(part, error)
            except ChatError as error:
                part = await self._retry(part, error)
        raise ChatRefused(part.error or f"the part is {part.state} already")

    async def _claim(self, part: Part, *, fresh: bool) -> Part:
        """Make sure that *part* is known to be leaving."""
        if part.state is PartState.QUEUED:
            await self._sleep(max(0.0, part.not_before - self._now()))
            return await self._journal.mark_sending(part)
        if fresh:
            return part
        return await self._repeat(part, ChatUncertain("the server ended while it was posted"))

    async def _repeat(self, part: Part, error: ChatUncertain) -> Part:
        """Send once more what may have arrived, and mark it; a second time would be too much."""
        if part.possible_duplicate:
            raise error
        log.warning("part_repeated", entry=part.entry, part=part.number, why=str(error))
        return await self._journal.mark_repeat(part)

    async def _retry(self, part: Part, error: ChatError) -> Part:
        """Wait before the next try, with the part recorded as not sent."""
        delay = retry_after(error, part.tries + 1, jitter=random.random())  # noqa: S311 - no secret
        if delay is None:
            raise error
        log.warning("post_failed", entry=part.entry, part=part.number, why=str(error), wait_s=delay)
        part = await self._journal.retry_part(
            part, not_before=self._now() + delay, error=str(error)
        )
        await self._sleep(delay)
        return await self._journal.mark_sending(part)

    async def _give_up(self, entry: Entry, part: Part, error: ChatError) -> Outcome:
        refused = isinstance(error, ChatRefused)
        log.error("part_dead", entry=entry.seq, part=part.number, why=str(error), refused=refused)
        await self._insist(partial(self._journal.kill_part, part, error=str(error)))
        return await self._bury(entry, str(error))

    async def _bury(self, entry: Entry, why: str) -> Outcome:
        await self._insist(partial(self._journal.settle, entry, outcome=Outcome.DEAD, reason=why))
        return Outcome.DEAD

    async def _insist(self, record: Callable[[], Awaitable[T]]) -> T:
        """Record what has happened, however long the disk is full: asking again would repeat it."""
        while True:
            try:
                return await record()
            except JournalUnavailable as error:
                log.error("journal_unavailable", why=str(error))  # noqa: TRY400 - no traceback: it is the disk
                await self._sleep(_JOURNAL_RETRY_S)
