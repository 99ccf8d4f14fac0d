"""Posting a frozen reply: part by part, in order, each known before its bytes leave."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any, Protocol, TypeVar

import structlog

from bot.errors import (
    ChatError,
    ChatRefused,
    ChatUnavailable,
    ChatUncertain,
    JournalUnavailable,
)
from bot.journal.journal import Journal
from bot.records import Entry, Message, Outcome, Part, PartState, Person
from bot.records.file import File
from bot.rooms.endings import Endings
from bot.rooms.lookup import Fate, History, Lookup
from bot.rooms.retry import repeat_after, retry_after
from bot.rooms.uploads import Uploads

log = structlog.get_logger(__name__)
T = TypeVar("T")

#: Between two tries to record what has happened in the room already.
_JOURNAL_RETRY_S = 1.0


class Chat(History, Uploads, Protocol):
    """The platform, as far as a reply needs it."""

    def render(self, markdown: str) -> tuple[str, ...]:
        """Return the messages that say *markdown*, none of them blank."""
        ...

    def naming(self, html: str, people: Sequence[Person]) -> str:
        """Return a message that begins with mentions of *people*. Pure, for any thread."""
        ...

    async def post(self, *, room: str, html: str, key: str) -> str | None:
        """Post one message and return its id; raises ChatError."""
        ...

    async def post_file(self, *, room: str, file: File, key: str) -> str | None:
        """Post one file and return its message's id; raises ChatError."""
        ...

    async def edit(self, *, room: str, message: str, html: str, key: str) -> None:
        """Give a message of the bot another text; raises ChatError."""
        ...


class _Withdrawn(Exception):
    """The journal says that the part must not leave any more."""


class Posting:
    """Brings frozen replies into their rooms and settles their messages."""

    def __init__(
        self,
        journal: Journal,
        *,
        on_post: Callable[[Message, str | None], None] = lambda _message, _remote_id: None,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        #: Told what a message got for an answer: the id of each part that stands in the room.
        self._on_post = on_post
        #: Where its waits can be cut short; a post that is under way cannot be.
        self.endings = Endings()
        #: Told when the platform is away: it has not delivered what was said meanwhile, either.
        self.on_outage: Callable[[], None] = _unheard
        self._journal = journal
        self._lookup = Lookup(journal, now=now, sleep=self._pause)
        self._now = now
        self._sleep = sleep
        #: The turns that wait for their next try, and no longer than until the server is stopped.
        self._waiting: set[asyncio.Task[Any]] = set()
        self._stopping = False

    async def deliver(
        self, entry: Entry, parts: Sequence[Part], chat: Chat, key: str, *, fresh: bool
    ) -> Outcome:
        """Post what is not posted yet, and settle. Returns how the message ended.

        *fresh* says that this process froze the reply just now: a part that is `sending` has not
        left then. Otherwise it may have.
        """
        dead = next((part for part in parts if part.state is PartState.DEAD), None)
        if dead is not None:  # given up before a crash, and not settled yet
            return await self._bury(entry, dead.error or "given up")
        last: Part | None = None
        before: str | None = entry.message.id
        for part in parts:
            if part.state is PartState.POSTED:
                before = part.remote_id
                continue
            if last is not None:
                await self._insist(partial(self._journal.mark_posted, last, remote_id=before))
            try:
                before = await self._post(entry, part, chat, key, after=before, fresh=fresh)
            except _Withdrawn:
                return await self._outcome(entry)
            except ChatError as error:
                return await self._give_up(entry, part, error)
            self._on_post(entry.message, before)
            last = part
        # The last part is recorded with the settled message, in one commit.
        settle = partial(self._journal.settle, entry, last=last, remote_id=before)
        settled = await self._insist(settle)
        return (entry.verdict or Outcome.ANSWERED) if settled else await self._outcome(entry)

    def wait_no_more(self) -> None:
        """Cut off the turns that wait for their next try; the journal knows when that is."""
        self._stopping = True
        for turn in self._waiting:
            turn.cancel()

    async def _post(
        self, entry: Entry, part: Part, chat: Chat, key: str, *, after: str | None, fresh: bool
    ) -> str | None:
        """Bring one part into the room and return its id there; raises ChatError in the end."""
        if part.remote_id is not None:
            # An edit may be made twice, so nobody asks whether it was made.
            part, fresh = await self._edit(entry, await self._claim(part), chat, key), True
            if part.remote_id is not None:
                return part.remote_id
        doubt: ChatUncertain | None = None
        if part.state is PartState.SENDING and not fresh:
            doubt = ChatUncertain("the server ended while it was posted")
        part, repeats = await self._claim(part), count(1)
        while part.state is PartState.SENDING:
            if doubt is None:
                try:
                    return await self._send(part, chat, room=entry.message.room, key=key)
                except ChatUncertain as error:
                    doubt = error
                except ChatError as error:
                    part = await self._retry(part, error)
                continue
            found = await self._lookup.look_for(entry, part, doubt, after=after, chat=chat, key=key)
            if found.fate is Fate.ARRIVED:
                log.info("part_found", entry=part.entry, part=part.number, why=str(doubt))
                return found.remote_id
            if found.fate is Fate.LOST:
                part = await self._retry(part, doubt)
            else:
                part = await self._repeat(part, doubt, next(repeats))
            doubt = None
        raise _Withdrawn(f"the part is {part.state} already")

    async def _send(self, part: Part, chat: Chat, *, room: str, key: str) -> str | None:
        """Have the part's bytes leave."""
        if part.file is None:
            return await chat.post(room=room, html=part.html, key=key)
        content = await self._insist(partial(self._journal.outgoing.content, part))
        if content is None:
            raise ChatRefused(f'the content of the file "{part.file}" was lost with the journal')
        return await chat.post_file(room=room, file=File(name=part.file, content=content), key=key)

    async def _edit(self, entry: Entry, part: Part, chat: Chat, key: str) -> Part:
        """Have a placeholder become *part*; when it cannot, the part is one to be posted."""
        if part.state is not PartState.SENDING or part.remote_id is None:
            return replace(part, remote_id=None)
        try:
            room, message = entry.message.room, part.remote_id
            await chat.edit(room=room, message=message, html=part.html, key=key)
        except ChatError as error:
            log.info("placeholder_left_behind", entry=part.entry, why=str(error))
            return await self._journal.signs.detach(part) or replace(part, remote_id=None)
        return part

    async def _claim(self, part: Part) -> Part:
        """Make sure that *part* is known to be leaving."""
        if part.state is not PartState.QUEUED:
            return part
        await self._pause(max(0.0, part.not_before - self._now()))
        return await self._journal.mark_sending(part)

    async def _repeat(self, part: Part, error: ChatUncertain, repeats: int) -> Part:
        """Mark what may have arrived, and have it sent once more."""
        delay = repeat_after(error, repeats, marked=part.possible_duplicate, jitter=_jitter())
        if delay is None:
            raise error
        log.warning("part_repeated", entry=part.entry, part=part.number, why=str(error))
        if not part.possible_duplicate:
            part = await self._journal.mark_repeat(part)
        return await self._put_back(part, error, delay) if delay else part

    async def _retry(self, part: Part, error: ChatError) -> Part:
        """Wait before the next try, with the part recorded as not sent."""
        delay = retry_after(error, part.tries + 1, jitter=_jitter())
        if delay is None:
            raise error
        log.warning("post_failed", entry=part.entry, part=part.number, why=str(error), wait_s=delay)
        if isinstance(error, ChatUnavailable) and error.retry_after_s is None:
            self.on_outage()
        return await self._put_back(part, error, delay)

    async def _put_back(self, part: Part, error: ChatError, delay: float) -> Part:
        """Let *part* wait in the journal, where a restart finds it, and claim it again."""
        not_before = self._now() + delay
        part = await self._journal.retry_part(part, not_before=not_before, error=str(error))
        await self._pause(delay)
        return await self._journal.mark_sending(part)

    async def _pause(self, seconds: float) -> None:
        """Wait with nothing on its way, so that the server need not wait for us when it stops."""
        turn = asyncio.current_task()
        if turn is None or not seconds:
            return
        self._waiting.add(turn)
        try:
            if self._stopping:
                turn.cancel()
            with self.endings.endable():
                await self._sleep(seconds)
        finally:
            self._waiting.discard(turn)

    async def _give_up(self, entry: Entry, part: Part, error: ChatError) -> Outcome:
        if ended := await self._insist(partial(self._journal.orders.outcome, entry.seq)):
            return ended
        refused = isinstance(error, ChatRefused)
        log.error("part_dead", entry=entry.seq, part=part.number, why=str(error), refused=refused)
        unsure = isinstance(error, ChatUncertain)
        kill = partial(self._journal.kill_part, part, error=str(error), uncertain=unsure)
        await self._insist(kill)
        return await self._bury(entry, str(error))

    async def _bury(self, entry: Entry, why: str) -> Outcome:
        bury = partial(self._journal.settle, entry, outcome=Outcome.DEAD, reason=why)
        if await self._insist(bury):
            return Outcome.DEAD
        # Somebody else has ended it.
        ended = await self._insist(partial(self._journal.orders.outcome, entry.seq))
        return ended or Outcome.DEAD

    async def _outcome(self, entry: Entry) -> Outcome:
        """Return how the message has ended: somebody else has ended it."""
        ended = await self._insist(partial(self._journal.orders.outcome, entry.seq))
        return ended or await self._bury(entry, "its parts were given up")

    async def _insist(self, record: Callable[[], Awaitable[T]]) -> T:
        """Record what has happened, however long the disk is full: asking again would repeat it."""
        while True:
            try:
                return await record()
            except JournalUnavailable as error:
                log.error("journal_unavailable", why=str(error))  # noqa: TRY400 - no traceback: it is the disk
                await self._sleep(_JOURNAL_RETRY_S)


def _unheard() -> None:
    """Take what nobody listens to."""


def _jitter() -> float:
    return random.random()  # noqa: S311 - it spreads the rooms of an outage, and is no secret
