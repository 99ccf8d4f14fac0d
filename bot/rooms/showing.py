"""What a room sees of one turn while it runs."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import structlog

from bot.config.bot import Bot
from bot.errors import ChatError, ChatUncertain
from bot.journal.journal import Journal
from bot.language.catalogue import phrases_of
from bot.records import Entry, Sign
from bot.rooms.clearing import Remover
from bot.rooms.errands import Errands
from bot.rooms.lookup import Lookup
from bot.rooms.placeholder import Placeholder
from bot.rooms.posting import Chat
from bot.rooms.presentable import presentable

log = structlog.get_logger(__name__)

SEEN: Final = "👀"
#: What a growing answer ends with: it goes on.
GROWING: Final = "⏳"
#: Characters of an answer that are shown while it grows: more than a screen, and quickly rendered.
_SHOWN: Final = 4_000
#: Each failure in a row makes the wait for the next try twice as long.
_MOST_FAILURES: Final = 6
#: Signs of all rooms that are on their way at the same time.
_AT_ONCE: Final = 4
#: How long an answer waits for a notice that is on its way: it would come after it.
_ORDER_S: Final = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """When a room sees what; seconds from the start of the turn."""

    #: Who is answered sooner than somebody looks up needs no sign, nor does the room.
    seen_s: float = 0.25
    placeholder_s: float = 2.0
    #: Between two edits of a placeholder.
    edit_s: float = 1.0
    #: Nobody is notified of an edit: a turn that took longer ends with a message of its own, and so
    #: does one whose answer names somebody.
    anew_s: float = 10.0


class Stage(Chat, Remover, Protocol):
    """The platform, as far as it can show a turn under way."""

    async def can_edit(self, *, room: str) -> bool:
        """Whether bots can edit and remove what they have posted; raises ChatError."""
        ...

    def can_react(self) -> bool:
        """Whether bots can react, as far as is known."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Means:
    """What it takes to show something."""

    journal: Journal
    lookup: Lookup
    errands: Errands
    pace: Pace = Pace()
    #: For the signs that are on their way at once: answers go first.
    at_once: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    now: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


async def see(entry: Entry, stage: Stage, key: str, journal: Journal) -> bool:
    """React to *entry*; False when that was done, or cannot be. Raises ChatError, JournalError."""
    signs, message = journal.signs, entry.message
    part = await signs.claim(entry, Sign.SEEN, SEEN)
    if part is None:
        return False
    shown = False
    try:
        shown = await stage.react(room=message.room, message=message.id, reaction=SEEN, key=key)
    except ChatUncertain:
        shown = True  # it may be there, and must not be twice
        raise
    finally:
        if not shown:
            await signs.forget(part)
    return shown


class Showing:
    """The signs of one turn. Who answers lets it follow the answer, and has it give way."""

    def __init__(self, entry: Entry, bot: Bot, stage: Stage, means: Means) -> None:
        self._entry = entry
        self._bot = bot
        self._stage = stage
        self._means = means
        self._key = bot.credentials.key
        self._placeholder = Placeholder(
            entry, stage, self._key, journal=means.journal, lookup=means.lookup, blank=GROWING
        )
        self._started = means.now()
        self._said: Callable[[], str] = str
        self._group: asyncio.TaskGroup | None = None
        self._runner: asyncio.Task[None] | None = None
        self._announcing = False
        #: What is, or was last, under way; None: the room was shown nothing.
        self.errand: asyncio.Task[bool] | None = None

    @property
    def blank(self) -> bool:
        """Whether the room was shown nothing by now."""
        return self.errand is None

    def begin(self, group: asyncio.TaskGroup) -> None:
        """Show what is to be shown, from now until `end` or `give_way`."""
        self._group = group
        if self._bot.turn.progress:
            self._runner = group.create_task(self._run(), name=f"progress of {self._entry.seq}")

    def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do *work* beside the turn, whose bug it is should it fail."""
        assert self._group is not None, "it has not begun"  # noqa: S101 - a caller's bug
        self._group.create_task(work, name=f"beside {self._entry.seq}")

    def end(self) -> None:
        """Show nothing more."""
        if self._runner is not None:
            self._runner.cancel()
            # A cancelled task keeps its frames, and those know us: a circle for each turn.
            self._runner = None

    def follow(self, said: Callable[[], str]) -> None:
        """Show what *said* returns, as it grows."""
        self._said = said

    async def give_way(self) -> str | None:
        """Show nothing more, since it is known what to say.

        Returns the id of the placeholder when that may become it: when it is at rest, the turn
        was short. (If that then names somebody, it is posted anew; see `replies.freeze`.)
        """
        self.end()
        if self.errand is not None and self._announcing:
            await asyncio.wait({self.errand}, timeout=_ORDER_S)
        if self.errand is not None and not self.errand.done():
            return None
        short = self._means.now() - self._started <= self._means.pace.anew_s
        fit = short and self._placeholder.steady
        return self._placeholder.remote_id if fit else None

    async def _run(self) -> None:
        pace = self._means.pace
        await self._until(pace.seen_s)
        if self._stage.can_react():
            await self._carry_out(see(self._entry, self._stage, self._key, self._means.journal))
        await self._until(pace.placeholder_s)
        try:
            can_edit = await self._stage.can_edit(room=self._entry.message.room)
        except ChatError as error:
            log.info("progress_unknown", entry=self._entry.seq, why=str(error))
            return
        if can_edit:
            await self._grow()
        elif after_s := self._bot.turn.notice_after_s:
            await self._until(after_s)
            self._announcing = True
            await self._carry_out(self._announce())

    async def _until(self, moment_s: float) -> None:
        await self._means.sleep(max(0.0, self._started + moment_s - self._means.now()))

    async def _carry_out(self, work: Coroutine[Any, Any, bool]) -> bool:
        """Do what must not be cut off in the middle, when the turn ends meanwhile.

        It can be while it waits for the signs of other rooms: in a rush, the answer comes first.
        """
        begun = False
        try:
            async with self._means.at_once:
                begun = True
                name = f"sign of {self._entry.seq}"
                self.errand = self._means.errands.begin(work, name=name)
                await asyncio.wait({self.errand})
                return self.errand.result()
        finally:
            if not begun:
                work.close()

    async def _grow(self) -> None:
        """Show the answer as it grows; what was shown last is not shown again."""
        shown, failures = "", 0
        while failures < _MOST_FAILURES:
            html = self._growing()
            if html != shown:
                done = await self._carry_out(self._placeholder.show(html))
                shown, failures = (html, 0) if done else (shown, failures + 1)
            await self._means.sleep(self._means.pace.edit_s * 2**failures)

    def _growing(self) -> str:
        text = presentable(self._said()[:_SHOWN])
        return self._stage.render(f"{text}\n\n{GROWING}" if text else GROWING)[0]

    async def _announce(self) -> bool:
        """Say once that it takes long; where that was said before a restart, it is not again."""
        journal, room = self._means.journal, self._entry.message.room
        html = self._stage.render(phrases_of(self._bot.language).working)[0]
        part = await journal.signs.claim(self._entry, Sign.NOTICE, html)
        if part is None:
            return True
        try:
            remote_id = await self._stage.post(room=room, html=html, key=self._key)
        except ChatUncertain:
            raise
        except ChatError:
            await journal.signs.forget(part)
            raise
        await journal.mark_posted(part, remote_id=remote_id)
        return True
