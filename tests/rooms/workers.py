"""What stands around the lanes in their tests."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio.lowlevel import checkpoint

from bot.journal import Journal
from bot.records import Entry, Message, Outcome
from bot.rooms.lanes import Lanes
from bot.rooms.report import Stopwatch, TurnReport
from tests.rooms.people import LANE, NOON, Clock, said


def an_entry(number: int, lane: str = LANE) -> Entry:
    """Return an open message as the journal gives it."""
    return Entry(
        seq=number,
        lane=lane,
        message=said(number=number),
        accepted_at=NOON,
        verdict=None,
        attempts=(),
        parts=(),
    )


class SlowJournal:
    """A journal that answers when the test says so, with what it knew when it was asked."""

    def __init__(self) -> None:
        self.open: deque[Entry] = deque()
        self.asked: deque[tuple[asyncio.Future[Entry | None], Entry | None]] = deque()

    def head(self, lane: str) -> "asyncio.Future[Entry | None]":
        """Look now, tell later."""
        assert lane == LANE
        answer: asyncio.Future[Entry | None] = asyncio.get_running_loop().create_future()
        self.asked.append((answer, self.open[0] if self.open else None))
        return answer

    async def excuse_running(self) -> None:
        """Take note of a stop."""

    def tell(self) -> None:
        """Answer the oldest question."""
        answer, found = self.asked.popleft()
        answer.set_result(found)


class FakeTurns:
    """Turns that take as long as the test wants, and break when it wants."""

    def __init__(self, journal: SlowJournal | Journal) -> None:
        self.ran: list[int] = []
        self.apologised: list[int] = []
        self.buried: list[tuple[str, ...]] = []
        self.wait = checkpoint
        #: What goes wrong in the next steps, whichever they are.
        self.bugs: deque[Exception] = deque()
        self._journal = journal

    def foresee(self, message: Message, lane: str) -> None:
        """Begin no turn before its message is recorded."""

    async def run(self, entry: Entry) -> TurnReport | None:
        """Answer a message."""
        self.ran.append(entry.seq)
        await self.wait()
        return await self._end(entry, Outcome.ANSWERED)

    def look(self, lane: str) -> None:
        """Take note of news: these turns are given no chance to."""

    def admit_no_more(self) -> None:
        """Run what is given all the same: the lanes are tested, not this."""

    async def apologise(self, entry: Entry, bug: Exception) -> TurnReport | None:
        """Say that it went wrong."""
        assert isinstance(bug, Exception)
        self.apologised.append(entry.seq)
        return await self._end(entry, Outcome.DEAD)

    async def bury(self, entry: Entry, *bugs: Exception) -> TurnReport | None:
        """Give a message up."""
        self.buried.append(tuple(map(str, bugs)))
        return await self._end(entry, Outcome.DEAD)

    async def _end(self, entry: Entry, outcome: Outcome) -> TurnReport | None:
        if self.bugs:
            raise self.bugs.popleft()
        if isinstance(self._journal, SlowJournal):
            self._journal.open.remove(entry)
        else:
            await self._journal.settle(entry, outcome=outcome)
        watch = Stopwatch(started=NOON.timestamp())
        return watch.report(entry, outcome, None, parts=1, now=NOON.timestamp())


@asynccontextmanager
async def the_lanes(
    journal: object,
    turns: object,
    reports: list[TurnReport] | None = None,
    clock: Clock | None = None,
    ended: list[str] | None = None,
) -> AsyncIterator[Lanes]:
    """Open lanes; their workers end with the block."""
    seen = [] if reports is None else reports
    sleep = (clock or Clock()).sleep
    async with asyncio.TaskGroup() as group:
        on_end = ([] if ended is None else ended).append
        lanes = Lanes(journal, turns, group, on_turn=seen.append, on_end=on_end, sleep=sleep)
        yield lanes
        await lanes.drain(0)
