"""How turns end that do not end well, and how a server's last ones do."""

import asyncio

import anyio
import pytest
from anyio.lowlevel import checkpoint

from bot.errors import JournalUnavailable
from bot.journal import Journal
from bot.records import AttemptState, Outcome
from bot.rooms.report import TurnReport
from bot.testing.gate import Gate
from tests.rooms.people import LANE, Clock, Interrupted, accepted, said
from tests.rooms.workers import FakeTurns, the_lanes

_DOWN = JournalUnavailable("journal.db", "disk full")


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


async def test_a_drain_suspects_nobody(journal: Journal) -> None:
    """Whoever ends what runs from now on, the messages in it have not brought the server down."""
    gate, turns = Gate(), FakeTurns(journal)
    turns.wait = gate
    entry = await accepted(journal, said())
    await journal.start_attempt(entry, session_id="a-session", prompt_uuid="a-prompt")
    async with the_lanes(journal, turns) as lanes:
        await lanes.resume()
        await gate.reached()
        assert await lanes.drain(0) == 1
    assert await journal.take_rooms() == 0
    (attempt,) = (await accepted(journal, said())).attempts
    assert attempt.state is AttemptState.CUT_OFF


@pytest.mark.parametrize("times", [1, 2])
async def test_a_full_disk_keeps_no_server_from_stopping(journal: Journal, times: int) -> None:
    """At worst the messages that are cut off are suspects at the next start."""
    gate, turns, full = Gate(), FakeTurns(journal), Interrupted(journal)
    turns.wait = gate
    full.failing["excuse_running"] = times
    await accepted(journal, said())
    async with the_lanes(full, turns) as lanes:
        await lanes.resume()
        await gate.reached()
        assert await lanes.drain(0) == 1
    assert (await journal.tally()).open == 1


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
