"""One queue a room, one turn at a time; nothing is lost when a worker ends."""

import asyncio
from collections import Counter
from pathlib import Path
from random import Random

import anyio
import pytest
from anyio.lowlevel import checkpoint
from structlog.testing import capture_logs

from bot.errors import JournalUnavailable
from bot.journal import Journal
from bot.records import Acceptance, Entry
from bot.rooms.report import TurnReport
from bot.testing.gate import Gate
from tests.rooms.people import LANE, accepted, said
from tests.rooms.workers import FakeTurns, SlowJournal, an_entry, the_lanes


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


async def test_a_message_that_was_expected_needs_no_look_of_its_own() -> None:
    """The look that was taken behind its recording is the one that its turn begins with."""
    journal = SlowJournal()
    turns = FakeTurns(journal)
    async with the_lanes(journal, turns) as lanes:
        journal.open.append(an_entry(1))
        lanes.expect(LANE, said())
        lanes.enqueue(LANE)
        assert len(journal.asked) == 1
        journal.tell()
        await anyio.wait_all_tasks_blocked()
        assert turns.ran == [1]
        journal.tell()


async def test_a_message_that_was_expected_and_is_not_new() -> None:
    """Nothing is open, nobody is told of anything: the lane ends again."""
    journal = SlowJournal()
    turns = FakeTurns(journal)
    ended: list[str] = []
    async with the_lanes(journal, turns, ended=ended) as lanes:
        lanes.expect(LANE, said())
        journal.tell()
        await anyio.wait_all_tasks_blocked()
        assert (turns.ran, ended, len(journal.asked)) == ([], [LANE], 0)


async def test_an_early_look_that_fails_is_taken_again() -> None:
    """If the message is recorded all the same; else there is nothing to look for, or to log."""
    journal = SlowJournal()
    turns = FakeTurns(journal)
    async with the_lanes(journal, turns) as lanes:
        for recorded in (False, True):
            lanes.expect(LANE, said())
            if recorded:
                journal.open.append(an_entry(1))
                lanes.enqueue(LANE)
            look, _ = journal.asked.popleft()
            with capture_logs() as logs:
                look.set_exception(JournalUnavailable(Path("journal.db"), "the disk is full"))
                await anyio.wait_all_tasks_blocked()
            assert (logs, len(journal.asked)) == ([], int(recorded))
        journal.tell()
        await anyio.wait_all_tasks_blocked()
        assert turns.ran == [1]
        journal.tell()


async def test_a_lane_with_a_worker_expects_nothing() -> None:
    """It looks anyway, before its next turn."""
    journal = SlowJournal()
    async with the_lanes(journal, FakeTurns(journal)) as lanes:
        lanes.enqueue(LANE)
        await anyio.wait_all_tasks_blocked()
        lanes.expect(LANE, said())
        assert len(journal.asked) == 1
        journal.tell()


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


async def test_the_end_of_a_lane_is_told() -> None:
    """Once nothing is left in it, and not between two of its turns."""
    journal = SlowJournal()
    turns, ended = FakeTurns(journal), list[str]()
    journal.open.append(an_entry(1))
    async with the_lanes(journal, turns, ended=ended) as lanes:
        lanes.enqueue(LANE)
        await anyio.wait_all_tasks_blocked()
        journal.tell()
        await anyio.wait_all_tasks_blocked()
        assert (turns.ran, ended) == ([1], [])
        journal.tell()
        await anyio.wait_all_tasks_blocked()
        assert ended == [LANE]
