"""What stands around the signs of progress in their tests: a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from anyio.lowlevel import checkpoint

from bot.config.bot import Bot
from bot.journal import Journal
from bot.rooms.clearing import Clearing
from bot.rooms.errands import open_errands
from bot.rooms.lookup import Lookup
from bot.rooms.noticing import Noticing
from bot.rooms.progress import Progress
from bot.rooms.showing import Means, Pace
from tests.rooms.people import Clock, FakeChat, FakeRoster, a_bot

PACE = Pace(seen_s=1.0, placeholder_s=2.0, edit_s=1.0, anew_s=10.0)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what others do meanwhile."""
    async with asyncio.timeout(10):
        while not holds():
            await checkpoint()


class Hands(Clock):
    """A clock whose hands the test moves; who sleeps by it wakes when it is time."""

    def __init__(self) -> None:
        super().__init__()
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    @property
    def sleepers(self) -> int:
        """How many sleep by it."""
        return len(self._sleepers)

    async def sleep(self, seconds: float) -> None:
        """Wait until the test has moved the hands."""
        sleeper = (self.seconds + seconds, asyncio.Event())
        self._sleepers.append(sleeper)
        self.jump(0.0)
        try:
            await sleeper[1].wait()
        finally:
            self._sleepers.remove(sleeper)

    async def move(self, seconds: float) -> None:
        """Let time go by for somebody who sleeps, or is about to."""
        await until(lambda: any(not woken.is_set() for _, woken in self._sleepers))
        self.jump(seconds)

    def jump(self, seconds: float) -> None:
        """Let time go by."""
        self.seconds += seconds
        for due, woken in self._sleepers:
            if due <= self.seconds:
                woken.set()


class Room:
    """A room in which turns are shown."""

    def __init__(
        self,
        journal: Journal,
        chat: FakeChat,
        progress: Progress,
        clearing: Clearing,
        noticing: Noticing,
    ) -> None:
        self.journal = journal
        self.chat = chat
        self.progress = progress
        self.clearing = clearing
        self.noticing = noticing


@asynccontextmanager
async def a_room(
    journal: Journal, clock: Hands, chat: FakeChat | None = None, *bots: Bot
) -> AsyncIterator[Room]:
    """Open what shows turns; errands that are under way in the end are waited for."""
    chat = chat or FakeChat()
    lookup = Lookup(journal, now=clock, sleep=clock.sleep)
    roster, chats = FakeRoster(*(bots or (a_bot(),))), {"campfire": chat}
    async with open_errands() as errands:
        clearing = Clearing(journal, roster, chats, lookup=lookup, now=clock)
        means = Means(
            journal=journal,
            lookup=lookup,
            errands=errands,
            pace=PACE,
            now=clock,
            sleep=clock.sleep,
        )
        noticing = Noticing(means, roster, chats, clearing)
        yield Room(journal, chat, Progress(means, chats, clearing, noticing), clearing, noticing)
