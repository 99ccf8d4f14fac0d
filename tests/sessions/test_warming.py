"""Conversations that are opened before their turn."""

import asyncio
from collections.abc import AsyncIterator

import anyio
import pytest

from bot.agent.line import Urgency
from bot.agent.start import Fresh, Orphan, Resume
from bot.errors import AgentStartFailed, JournalUnavailable
from bot.records.prompts import SessionPrompts
from bot.sessions.statistics import Warmth
from tests.agent.bots import ADA, ada
from tests.sessions.fakes import file_of, turn
from tests.sessions.world import WATERCOOLER, World, ask, room


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Open sessions with four places."""
    async with World().open() as world:
        yield world


async def rested(rooms: int = 1) -> World:
    """Return a world whose rooms have talked, the last one last, and whose server has stopped."""
    world = World()
    async with world.open(hot_limit=rooms):
        for number in range(1, rooms + 1):
            world.clock.forward(minutes=1)
            await world.turn(room(number))
    world.agent.conversations.clear()
    return world


async def test_the_resume_begins_with_the_message() -> None:
    """Its turn finds the conversation open, and is still called warm."""
    world = await rested()
    async with world.open():
        world.early()
        await anyio.wait_all_tasks_blocked()
        assert world.hot == {"1"}
        assert world.sessions.statistics().hits == {}
        assert await world.turn() is Warmth.WARM
        assert await world.turn() is Warmth.HOT
        assert len(world.agent.conversations) == 1


async def test_a_new_room_is_opened_early_too(world: World) -> None:
    """Its session is on disk, and its first turn knows that it is a new one."""
    world.early()
    await anyio.wait_all_tasks_blocked()
    assert world.files.kept[WATERCOOLER].turns == 0
    assert await world.turn() is Warmth.COLD
    assert len(world.agent.conversations) == 1


async def test_a_spare_is_taken_early() -> None:
    """And the turn says so."""
    async with World().open(spares=1) as world:
        world.early()
        await anyio.wait_all_tasks_blocked()
        assert await world.turn() is Warmth.SPARE


async def test_no_session_has_two_children() -> None:
    """The turn waits for what boots already, and makes it urgent."""
    world = await rested()
    world.agent.boots.clear()
    async with world.open():
        world.early()
        await anyio.wait_all_tasks_blocked()
        (conversation,) = world.agent.conversations
        assert conversation.ticket.urgency is Urgency.EARLY
        turns = [asyncio.create_task(world.turn()) for _ in range(2)]
        world.early()
        await anyio.wait_all_tasks_blocked()
        assert conversation.ticket.urgency is Urgency.TURN
        world.agent.boots.set()
        assert [await one for one in turns] == [Warmth.WARM, Warmth.HOT]
        assert len(world.agent.conversations) == 1


async def test_a_hot_room_is_left_alone(world: World) -> None:
    """So is one in which a turn runs."""
    await world.turn()
    world.early()
    await anyio.wait_all_tasks_blocked()
    world.agent.conversations[-1].die()
    async with world.seat():
        world.early()
        await anyio.wait_all_tasks_blocked()
    assert len(world.agent.conversations) == 2


async def test_a_failure_is_left_to_the_turn(world: World) -> None:
    """It tries by itself, and tells if that fails too."""
    world.agent.refuse_all = AgentStartFailed("no memory")
    world.early()
    await anyio.wait_all_tasks_blocked()
    world.agent.refuse_all = None
    assert await world.turn() is Warmth.COLD


async def test_a_turn_that_never_comes_costs_nothing() -> None:
    """What was opened early is idle like any other, and goes when room is needed."""
    world = await rested()
    async with world.open(hot_limit=1):
        world.early()
        await anyio.wait_all_tasks_blocked()
        world.sessions.lane_ended("campfire/1")
        await world.turn(room(2))
        assert world.hot == {"2"}
        assert world.sessions.statistics().evicted == 1


async def test_an_early_one_waits_its_turn_for_a_place() -> None:
    """Whoever has a turn goes first, and it gives up nothing for having waited."""
    async with World().open(hot_limit=1) as world:
        async with world.seat(room(1)):
            world.early(room(2))
            await anyio.wait_all_tasks_blocked()
            late = asyncio.create_task(world.turn(room(3)))
            await anyio.wait_all_tasks_blocked()
        assert await late is Warmth.COLD
        starts = [start.session_id for start in world.agent.starts]
        assert starts[1] == world.session(room(3)).session_id
        assert await world.turn(room(2)) is Warmth.COLD


async def test_what_was_decided_early_still_holds_at_the_turn() -> None:
    """A prompt that came to be owed meanwhile is dropped: the session is resumed once more."""
    world = await rested()
    (session_id,) = world.agent.transcripts
    world.agent.transcripts[session_id] += turn("lost")[:1]
    async with world.open():
        world.early()
        await anyio.wait_all_tasks_blocked()
        assert world.agent.starts == [Resume(session_id=session_id)]
        world.prompts.owed = {"lost"}  # an operator has it asked again
        assert await world.turn() is Warmth.WARM
        orphan = Orphan(prompt_uuid="lost", after="before")
        assert world.agent.starts[-1] == Resume(session_id=session_id, orphan=orphan)
        world.prompts.owed = {"another"}  # a hot conversation knows what it was asked
        assert await world.turn() is Warmth.HOT


async def test_answers_that_came_meanwhile_are_counted() -> None:
    """The agent is told of those that it does not know when the prompt leaves."""
    world = await rested()
    async with world.open():
        world.early()
        await anyio.wait_all_tasks_blocked()
        world.prompts.answered = ["found in a transcript"]
        async with world.seat() as seat:
            assert (seat.path, seat.unheard) == (Warmth.WARM, 1)


async def test_a_turn_that_asks_nothing_leaves_it_as_it_was(world: World) -> None:
    """Another message went first: the next prompt is the first one, and told what is new."""
    async with world.seat() as seat:
        assert seat.path is Warmth.COLD
    async with world.seat() as seat:
        assert seat.path is Warmth.COLD
        await ask(seat)
    assert world.sessions.statistics().hits == {Warmth.COLD: 1}
    assert await world.turn() is Warmth.HOT


async def test_another_version_of_the_bot_is_not_mistaken() -> None:
    """What was opened early for the old file is opened anew for the new one."""
    world = await rested()
    async with world.open():
        world.early()
        await anyio.wait_all_tasks_blocked()
        changed = ada(system_prompt="You are Ada, a pirate.")
        assert await world.turn(bot=changed) is Warmth.WARM
        assert world.agent.conversations[-1].bot is changed


async def test_rooms_are_opened_ahead_newest_first() -> None:
    """As many as are wanted; they wait like any other idle conversation."""
    world = await rested(rooms=3)
    async with world.open():
        world.sessions.open_ahead(world.bots.get, 2, busy=False)
        await anyio.wait_all_tasks_blocked()
        assert world.hot == {"3", "2"}
        opened = [start.session_id for start in world.agent.starts]
        assert opened == [world.session(room(number)).session_id for number in (3, 2)]
        assert await world.turn(room(3)) is Warmth.WARM


async def test_rooms_are_opened_ahead_as_far_as_the_memory_goes() -> None:
    """With room left for somebody who comes, and for the spares that are still to boot."""
    world = await rested(rooms=5)
    async with world.open(hot_limit=4):
        world.sessions.open_ahead(world.bots.get, 5, busy=False)
        await anyio.wait_all_tasks_blocked()
        assert world.hot == {"5", "4", "3"}
    world.agent.missing = AgentStartFailed("not yet")
    async with world.open(hot_limit=4, spares=1):
        world.agent.missing = None
        world.sessions.open_ahead(world.bots.get, 5, busy=False)
        await anyio.wait_all_tasks_blocked()
        assert world.hot == {"5", "4"}
        assert world.sessions.statistics().evicted == 0


async def test_rooms_ahead_yield_to_turns() -> None:
    """One at a time, and a room that is asked meanwhile is urgent at once."""
    world = await rested(rooms=2)
    world.agent.boots.clear()
    async with world.open():
        world.sessions.open_ahead(world.bots.get, 2, busy=False)
        await anyio.wait_all_tasks_blocked()
        (first,) = world.agent.conversations
        assert first.ticket.urgency is Urgency.AHEAD
        asked = asyncio.create_task(world.turn(room(2)))
        await anyio.wait_all_tasks_blocked()
        assert first.ticket.urgency is Urgency.TURN
        world.agent.boots.set()
        assert await asked is Warmth.WARM


async def test_only_what_can_be_resumed_is_opened_ahead() -> None:
    """Not the expired, nor the rooms of bots that are gone; what is lost waits for its turn."""
    world = World()
    for number, at in ((1, world.clock()), (2, world.clock.forward(days=2))):
        file = file_of(
            room(number), at, session_id=f"{number}" * 8 + "-0000-4000-8000-000000000000"
        )
        world.files.kept[file.key] = file
    async with world.open():
        world.sessions.open_ahead(world.bots.get, 5, busy=False)
        await anyio.wait_all_tasks_blocked()
        assert world.agent.conversations == []
        assert world.sessions.statistics().lost == 0
        world.agent.transcripts = {f.session_id: turn("x") for f in world.files.kept.values()}
        world.sessions.open_ahead({}.get, 5, busy=False)
        await anyio.wait_all_tasks_blocked()
        assert world.agent.conversations == []
        world.sessions.open_ahead(world.bots.get, 5, busy=False)
        await anyio.wait_all_tasks_blocked()
        assert world.hot == {"2"}


async def test_nothing_is_opened_ahead_when_nothing_is_wanted() -> None:
    """With 0 all rooms wait for their messages."""
    world = await rested()
    async with world.open():
        world.sessions.open_ahead(world.bots.get, 0, busy=False)
        await anyio.wait_all_tasks_blocked()
        assert world.hot == set()


async def test_a_room_that_cannot_be_opened_ahead_stops_nobody() -> None:
    """The next ones are opened all the same."""
    world = await rested(rooms=2)
    newest = world.files.kept[room(2)].session_id
    world.agent.refusals = {newest: AgentStartFailed("a broken transcript")}
    async with world.open():
        world.sessions.open_ahead(world.bots.get, 2, busy=False)
        await anyio.wait_all_tasks_blocked()
        assert world.hot == {"1"}


async def test_what_is_opened_for_nobody_ends_with_the_server() -> None:
    """Boots that wait, and those that go on, are given up."""
    world = await rested(rooms=3)
    world.agent.boots.clear()
    async with world.open():
        world.sessions.open_ahead(world.bots.get, 3, busy=False)
        world.early(room(1))
        await anyio.wait_all_tasks_blocked()
        assert len(world.agent.open) == 2
    assert world.agent.open == set()


async def test_a_child_that_has_grown_is_exchanged() -> None:
    """Between two turns, in the background: the next turn goes on where the last one ended."""
    async with World().open(child_bytes=400) as world:
        await world.turn()
        old = world.agent.conversations[-1]
        world.samples.sizes = {1: 401}
        async with world.seat():
            await world.sessions.look_after()
            await anyio.wait_all_tasks_blocked()
            assert old.usable
        await anyio.wait_all_tasks_blocked()
        new = world.agent.conversations[-1]
        assert (old.usable, new.usable) == (False, True)
        assert new.start == Resume(session_id=old.session_id)
        assert await world.turn() is Warmth.WARM
        statistics = world.sessions.statistics()
        assert (statistics.recycled, world.session().recycles, statistics.evicted) == (1, 1, 0)


async def test_a_child_is_not_exchanged_in_a_ring() -> None:
    """One that is too large from the start is no smaller the next time: only after a turn."""
    async with World().open(child_bytes=50) as world:
        await world.turn()
        for _ in range(3):
            await world.sessions.look_after()
            await anyio.wait_all_tasks_blocked()
        assert world.sessions.statistics().recycled == 1
        assert len(world.agent.conversations) == 2


async def test_an_exchange_gives_its_place_to_who_waits() -> None:
    """A room that waits for a place comes before one that nobody has asked."""
    async with World().open(hot_limit=2, child_bytes=400) as world:
        await world.turn(room(1))
        async with world.seat(room(2)):
            world.samples.sizes = {1: 401}
            waiting: asyncio.Task[Warmth] | None = None
            async with world.seat(room(1)):
                await world.sessions.look_after()
                waiting = asyncio.create_task(world.turn(room(3)))
                await anyio.wait_all_tasks_blocked()
            assert await waiting is Warmth.COLD
            assert world.hot == {"2", "3"}


async def test_the_exchange_of_a_lost_session_waits_for_its_turn() -> None:
    """Without a transcript there is nothing to resume for nobody."""
    async with World().open(child_bytes=400) as world:
        await world.turn()
        world.agent.transcripts.clear()
        world.samples.sizes = {1: 401}
        await world.sessions.look_after()
        await anyio.wait_all_tasks_blocked()
        assert world.hot == set()
        assert await world.turn(bot=ADA) is Warmth.COLD
        assert isinstance(world.agent.starts[-1], Fresh)


async def test_a_journal_that_fails_costs_no_server() -> None:
    """What is opened for nobody is given up; the turn hears of it by itself."""
    world = await rested()

    async def fail(_session_id: str) -> SessionPrompts:
        raise JournalUnavailable("journal.db", "disk full")

    async with world.open():
        world.prompts.prompts = fail  # type: ignore[method-assign]  # as a broken disk does
        world.early()
        world.sessions.open_ahead(world.bots.get, 1, busy=False)
        await anyio.wait_all_tasks_blocked()
        del world.prompts.prompts
        assert await world.turn() is Warmth.WARM


async def test_a_server_that_stops_opens_nothing_ahead() -> None:
    """Boots would take time from the turns that are to finish."""
    world = await rested(rooms=2)
    async with world.open(spares=1, child_bytes=50):
        await world.turn(room(1))
        world.sessions.stop_ahead()
        boots = len(world.agent.conversations)
        world.sessions.open_ahead(world.bots.get, 2, busy=False)
        world.early(room(2))
        await world.sessions.look_after()
        await anyio.wait_all_tasks_blocked()
        assert len(world.agent.conversations) == boots
        assert await world.turn(room(1)) is Warmth.HOT
