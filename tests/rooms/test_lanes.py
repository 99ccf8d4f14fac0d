"""One queue a room, one turn at a time; nothing is lost when a worker ends."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import anyio
import pytest
from anyio.lowlevel import checkpoint

from bot.errors import JournalUnavailable
from bot.journal import Journal
from bot.records import Acceptance, Entry, Outcome
from bot.rooms.lanes import Lanes
from bot.rooms.report import Stopwatch, TurnReport
from bot.testing.gate import Gate
from tests.rooms.people import LANE, NOON, Clock, Interrupted, accepted, said

_DOWN = JournalUnavailable("journal.db", "disk full")


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

    async def head(self, lane: str) -> Entry | None:
        """Look now, tell later."""
        assert lane == LANE
        answer: asyncio.Future[Entry | None] = asyncio.get_running_loop().create_future()
        self.asked.append((answer, self.open[0] if self.open else None))
        return await answer

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

    async def run(self, entry: Entry) -> TurnReport | None:
        """Answer a message."""
        self.ran.append(entry.seq)
        await self.wait()
        return await self._end(entry, Outcome.ANSWERED)

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
) -> AsyncIterator[Lanes]:
    """Open lanes; their workers end with the block."""
    seen = [] if reports is None else reports
    sleep = (clock or Clock()).sleep
    async with asyncio.TaskGroup() as group:
        lanes = Lanes(journal, turns, group, on_turn=seen.append, sleep=sleep)
        yield lanes
        await lanes.drain(0)


async def test_a_message_that_comes_while_its_worker_looks() -> None:
    """The journal says "nothing" from before the message: the worker looks again."""
    journal = SlowJournal()
    turns = FakeTurns(journal)
    async with the_lanes(journal, turns) as lanes:
        lanes.enqueue(LANE)
        await anyio.wait_all_tasks_blocked()
        journal.open.append(an_entry(1))
        lanes.enqueue(LANE)
        journal.tell()
        await anyio.wait_all_tasks_blocked()
        journal.tell()
        await anyio.wait_all_tasks_blocked()
        assert turns.ran == [1]
        journal.tell()


async def test_a_message_that_comes_just_after_its_worker_ended() -> None:
    """It starts a worker of its own, in the same breath."""
    journal = SlowJournal()
    turns = FakeTurns(journal)
    async with the_lanes(journal, turns) as lanes:
        lanes.enqueue(LANE)
        await anyio.wait_all_tasks_blocked()
        (worker,) = (task for task in asyncio.all_tasks() if task.get_name() == f"lane {LANE}")

        arrived = asyncio.Event()

        def arrive(_worker: asyncio.Task[None]) -> None:
            journal.open.append(an_entry(1))
            lanes.enqueue(LANE)
            arrived.set()

        worker.add_done_callback(arrive)
        journal.tell()
        await arrived.wait()
        await anyio.wait_all_tasks_blocked()
        journal.tell()
        await anyio.wait_all_tasks_blocked()
        assert turns.ran == [1]
        journal.tell()


async def test_an_idle_room_has_no_worker() -> None:
    """What is idle costs no task."""
    journal = SlowJournal()
    async with the_lanes(journal, FakeTurns(journal)) as lanes:
        lanes.enqueue(LANE)
        await anyio.wait_all_tasks_blocked()
        journal.tell()
        await anyio.wait_all_tasks_blocked()
        assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("lane")]
        assert lanes.running == {}


@pytest.mark.parametrize("seed", range(20))
async def test_any_schedule_answers_everything_once(journal: Journal, seed: int) -> None:
    """Messages come in whatever rhythm: one turn at a time in a room, each message once."""
    chance = Random(seed)  # noqa: S311 - no secret
    running: Counter[str] = Counter()

    async def a_while() -> None:
        for _ in range(chance.choice((0, 0, 1, 2, 5, 20))):
            await checkpoint()

    class Checked(FakeTurns):
        async def run(self, entry: Entry) -> TurnReport | None:
            running[entry.lane] += 1
            assert running[entry.lane] == 1
            try:
                attempt = await journal.start_attempt(
                    entry, session_id="a-session", prompt_uuid=f"{entry.seq}-{len(self.ran)}"
                )
                return None if attempt is None else await super().run(entry)
            finally:
                running[entry.lane] -= 1

    turns = Checked(journal)
    turns.wait = a_while
    async with the_lanes(journal, turns) as lanes:

        async def deliver(number: int) -> None:
            await a_while()
            lane = f"campfire/{chance.randrange(3)}"
            landing = journal.accept(said(number=number), lane=lane)
            assert await landing is Acceptance.NEW
            lanes.enqueue(lane)

        async with asyncio.TaskGroup() as group:
            for number in chance.sample(range(1, 31), 30):
                group.create_task(deliver(number), name=f"delivery {number}")
                await a_while()
        async with asyncio.timeout(10):
            while (await journal.tally()).open:
                await checkpoint()
    assert sorted(turns.ran) == list(range(1, 31))
    assert (await journal.tally()).answered == 30


async def test_what_was_left_open_is_taken_up(journal: Journal) -> None:
    """A new process asks the journal, not anybody's memory."""
    await accepted(journal, said(number=1))
    await journal.accept(said(number=2), lane="campfire/43")
    turns = FakeTurns(journal)
    async with the_lanes(journal, turns) as lanes:
        assert await lanes.resume() == 2
        async with asyncio.timeout(10):
            while (await journal.tally()).open:
                await checkpoint()
    assert sorted(turns.ran) == [1, 2]


async def test_rooms_do_not_wait_for_each_other(journal: Journal) -> None:
    """While one room thinks, the other one is answered."""
    gate, turns = Gate(), FakeTurns(journal)
    turns.wait = gate
    for number in (1, 2):
        await journal.accept(said(number=number), lane=f"campfire/{number}")
    async with the_lanes(journal, turns) as lanes:
        await lanes.resume()
        await gate.reached(2)
        assert sorted(lanes.running) == ["campfire/1", "campfire/2"]
        gate.release()
        await lanes.drain(10)
    assert (await journal.tally()).answered == 2


async def test_a_drain_finishes_what_runs(journal: Journal) -> None:
    """What waits stays in the journal, and what comes later too."""
    gate, turns = Gate(), FakeTurns(journal)
    turns.wait = gate
    await accepted(journal, said(number=1))
    await accepted(journal, said(number=2))
    async with the_lanes(journal, turns) as lanes:
        lanes.enqueue(LANE)
        await gate.reached()
        async with asyncio.TaskGroup() as group:
            drain = group.create_task(lanes.drain(10), name="drain")
            await anyio.wait_all_tasks_blocked()
            await journal.accept(said(number=3), lane="campfire/43")
            lanes.enqueue("campfire/43")
            gate.release()
        assert drain.result() == 0
    assert turns.ran == [1]
    assert (await journal.tally()).open == 2


async def test_a_drain_cuts_off_what_does_not_end(journal: Journal) -> None:
    """It says how many those were; their messages stay open."""
    gate, turns = Gate(), FakeTurns(journal)
    turns.wait = gate
    await accepted(journal, said(number=1))
    await journal.accept(said(number=2), lane="campfire/43")
    async with the_lanes(journal, turns) as lanes:
        await lanes.resume()
        await gate.reached(2)
        assert await lanes.drain(0) == 2
    assert (await journal.tally()).open == 2


async def test_an_idle_drain_is_over_at_once(journal: Journal) -> None:
    """With no worker there is nothing to wait for."""
    async with the_lanes(journal, FakeTurns(journal)) as lanes:
        assert await lanes.drain(10) == 0


async def test_a_bug_costs_its_message(journal: Journal) -> None:
    """It is apologised for, and the room goes on."""
    turns, reports = FakeTurns(journal), list[TurnReport]()
    turns.bugs.append(ZeroDivisionError("a bug"))
    await accepted(journal, said(number=1))
    await accepted(journal, said(number=2))
    async with the_lanes(journal, turns, reports) as lanes:
        await lanes.resume()
        async with asyncio.timeout(10):
            while len(reports) < 2:
                await checkpoint()
        assert lanes.ended == {"dead": 1, "answered": 1}
    assert (turns.apologised, turns.buried) == ([1], [])
    assert [report.outcome for report in reports] == [Outcome.DEAD, Outcome.ANSWERED]


async def test_a_bug_in_the_apology_costs_no_more(journal: Journal) -> None:
    """The message is a dead letter with both bugs, and the room goes on."""
    turns, reports = FakeTurns(journal), list[TurnReport]()
    turns.bugs.extend([ZeroDivisionError("a bug"), RuntimeError("another")])
    await accepted(journal, said(number=1))
    await accepted(journal, said(number=2))
    async with the_lanes(journal, turns, reports) as lanes:
        await lanes.resume()
        async with asyncio.timeout(10):
            while len(reports) < 2:
                await checkpoint()
    assert turns.buried == [("a bug", "another")]
    assert turns.ran == [1, 2]


async def test_a_bug_that_cannot_be_recorded_stops_everything(journal: Journal) -> None:
    """Going on would run the same turn for ever."""
    turns = FakeTurns(journal)
    turns.bugs.extend([ZeroDivisionError("one"), ZeroDivisionError("two"), RuntimeError("three")])
    await accepted(journal, said())

    async def serve() -> None:
        async with the_lanes(journal, turns) as lanes:
            await lanes.resume()
            await anyio.sleep_forever()

    with pytest.raises(ExceptionGroup) as stopped:
        await serve()
    assert stopped.group_contains(RuntimeError, match="three")


async def test_a_journal_that_cannot_be_read_is_asked_again(journal: Journal) -> None:
    """A second later; the message is still there."""
    turns, clock, full = FakeTurns(journal), Clock(), Interrupted(journal)
    full.failing["head"] = 3
    await accepted(journal, said())
    async with the_lanes(full, turns, clock=clock) as lanes:
        lanes.enqueue(LANE)
        async with asyncio.timeout(10):
            while (await journal.tally()).open:
                await checkpoint()
    assert (turns.ran, clock.slept) == ([1], [1.0] * 3)


async def test_a_turn_that_could_not_be_recorded_runs_again(journal: Journal) -> None:
    """A full disk is no bug: nobody is told, the turn is taken up when there is room."""
    turns, clock = FakeTurns(journal), Clock()
    turns.bugs.extend([_DOWN, _DOWN])
    await accepted(journal, said())
    async with the_lanes(journal, turns, clock=clock) as lanes:
        lanes.enqueue(LANE)
        async with asyncio.timeout(10):
            while (await journal.tally()).open:
                await checkpoint()
    assert (turns.ran, turns.apologised, clock.slept) == ([1, 1, 1], [], [1.0, 1.0])
