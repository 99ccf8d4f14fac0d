"""Whose conversation goes when memory is short."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import anyio
import pytest

from bot.errors import NoPlace
from bot.sessions.eviction import FRESH_S, MOST_TURNS
from bot.sessions.statistics import Warmth
from tests.agent.bots import ADA
from tests.sessions.test_warming import rested
from tests.sessions.world import World, ask, lane, room


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Open sessions with one place."""
    async with World().open(hot_limit=1) as world:
        yield world


async def talk(world: World, number: int, turns: int, said: list[int]) -> None:
    """Run the turns of a room with a backlog: its lane has work to the end."""
    for _ in range(turns):
        seat = world.sessions.seat(
            ADA, room(number), asked_at=world.clock(), lane=lane(room(number))
        )
        async with seat as taken:
            said.append(number)
            await ask(taken)
        await asyncio.sleep(0)  # what the lane does between two turns
        await asyncio.sleep(0)
    world.sessions.lane_ended(lane(room(number)))


async def test_a_backlog_keeps_its_conversation_for_a_few_turns(world: World) -> None:
    """Two rooms take turns of four, instead of booting a child for each message."""
    said: list[int] = []
    async with asyncio.TaskGroup() as group:
        group.create_task(talk(world, 1, 10, said), name="room 1")
        group.create_task(talk(world, 2, 10, said), name="room 2")
    assert said == [*[1] * 4, *[2] * 4, *[1] * 4, *[2] * 4, 1, 1, 2, 2]
    assert MOST_TURNS == 4
    assert world.sessions.statistics().boots == 6


async def test_a_room_that_is_done_makes_room_at_once(world: World) -> None:
    """What its conversation might still answer keeps nobody waiting."""
    await world.turn(room(1))
    assert await world.turn(room(2)) is Warmth.COLD
    assert world.hot == {"2"}


async def test_a_room_whose_lane_hangs_makes_room_after_a_moment(world: World) -> None:
    """A reply that cannot be posted for an hour does not hold a conversation for that long."""
    await talk_without_end(world, room_number=1)
    waiting = asyncio.create_task(world.turn(room(2)))
    await anyio.wait_all_tasks_blocked()
    assert world.hot == {"1"}
    world.clock.forward(seconds=FRESH_S)
    world.sessions._conversations.slots.look_again()
    assert await waiting is Warmth.COLD


async def talk_without_end(world: World, room_number: int) -> None:
    """Run one turn of a room whose lane goes on."""
    key = room(room_number)
    async with world.sessions.seat(ADA, key, asked_at=world.clock(), lane=lane(key)) as seat:
        await ask(seat)


async def test_nobody_starves(world: World) -> None:
    """However long the backlogs are, everybody is served within a few turns of each other room."""
    said: list[int] = []
    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(talk(world, number, 9, said), name=f"room {number}")
    for number in range(5):
        places = [at for at, who in enumerate(said) if who == number]
        gaps = [later - at for at, later in pairwise(places)]
        assert max(gaps) <= 4 * MOST_TURNS + 1
    assert world.agent.most_open == 1


async def test_what_was_opened_early_is_not_the_first_to_go() -> None:
    """Its room was not used for long, but is about to be."""
    async with World().open(hot_limit=2) as world:
        for number in (1, 2, 3):
            world.clock.forward(minutes=1)
            await world.turn(room(number))
        world.clock.forward(minutes=1)
        world.early(room(1))
        await anyio.wait_all_tasks_blocked()
        assert world.hot == {"1", "3"}
        await world.turn(room(4))
        assert world.hot == {"1", "4"}


async def test_a_turn_is_told_when_there_is_no_place(world: World) -> None:
    """A running turn is not evicted for it; what waits longer is not held up."""
    async with world.seat(room(1)):
        world.sessions.patience_s = 0.01
        with pytest.raises(NoPlace):
            await world.turn(room(2))
        assert world.session(room(2)).state is Warmth.COLD
    assert await world.turn(room(2)) is Warmth.COLD


async def test_the_budget_is_kept_in_bytes() -> None:
    """A child that does not fit makes room first, and the estimate of a new one counts."""
    async with World().open(hot_limit=10, budget_bytes=350) as world:
        for number in range(5):
            world.clock.forward(seconds=1)
            await world.turn(room(number))
        assert world.agent.most_open == 3
        assert world.hot == {"2", "3", "4"}
        statistics = world.sessions.statistics()
        assert (statistics.memory_bytes, statistics.memory_budget_bytes) == (300, 350)
        assert world.session(room(1)).evictions == 1


async def test_growth_is_brought_back_into_the_budget() -> None:
    """The job closes the least recently used, no more than needed, and never the last one."""
    async with World().open(hot_limit=10, budget_bytes=500) as world:
        for number in range(4):
            world.clock.forward(seconds=1)
            await world.turn(room(number))
        world.samples.sizes = dict.fromkeys(range(1, 5), 200)
        await world.sessions.look_after()
        assert world.samples.looked_at == [1, 2, 3, 4]
        assert world.hot == {"2", "3"}
        world.samples.sizes = dict.fromkeys(range(1, 5), 600)
        await world.sessions.look_after()
        assert world.hot == {"3"}


async def test_spares_go_before_rooms() -> None:
    """What nobody uses yet is the first to go when children have grown."""
    async with World().open(hot_limit=10, budget_bytes=500, spares=1) as world:
        await world.turn(room(1))
        await world.turn(room(2))
        await anyio.wait_all_tasks_blocked()
        assert len(world.pool) == 1
        world.samples.sizes = dict.fromkeys(range(1, 4), 230)
        await world.sessions.look_after()
        assert (len(world.pool), world.hot) == (0, {"1", "2"})


async def test_a_room_takes_the_place_of_a_spare_before_anothers() -> None:
    """However long the others have not been used."""
    world = await rested(rooms=3)
    async with world.open(hot_limit=3, spares=1):
        world.sessions.bots_changed()
        await anyio.wait_all_tasks_blocked()
        for number in (1, 2):
            await world.turn(room(number))
        assert (len(world.pool), world.hot) == (1, {"1", "2"})
        world.clock.forward(minutes=10)
        await world.turn(room(3))
        assert (len(world.pool), world.hot) == (0, {"1", "2", "3"})
        assert world.sessions.statistics().evicted == 0


async def test_a_room_in_a_turn_stays_though_it_does_not_fit() -> None:
    """The budget is the aim, and a running turn goes before it."""
    async with World().open(hot_limit=10, budget_bytes=500) as world:
        async with world.seat(room(1)), world.seat(room(2)):
            world.samples.sizes = {1: 400, 2: 400}
            await world.sessions.look_after()
            assert world.hot == {"1", "2"}
        await world.sessions.look_after()
        assert len(world.hot) == 1


@pytest.mark.parametrize(("rooms", "left"), [(1, set()), (4, {"2", "3"}), (5, {"3", "4"})])
async def test_a_full_machine_takes_the_older_half(rooms: int, left: set[str]) -> None:
    """All at once, spares included; a room in a turn is not counted."""
    async with World().open(hot_limit=10, spares=1) as world:
        for number in range(rooms):
            world.clock.forward(seconds=1)
            await world.turn(room(number))
            await anyio.wait_all_tasks_blocked()
        world.pressure = 0.81
        async with world.seat(room(9)):
            await world.sessions.look_after()
            await anyio.wait_all_tasks_blocked()
            assert (world.hot, world.pool) == ({*left, "9"}, [])


async def test_a_full_machine_takes_the_spares() -> None:
    """All of them, though the children are far within their own budget."""
    async with World().open(hot_limit=10, spares=2) as world:
        await world.turn(room(1))
        await anyio.wait_all_tasks_blocked()
        assert len(world.pool) == 2
        world.pressure = 0.81
        async with world.seat(room(1)):
            await world.sessions.look_after()
            await anyio.wait_all_tasks_blocked()
            assert (world.pool, world.hot) == ([], {"1"})


async def test_a_machine_that_is_not_full_takes_nothing() -> None:
    """At 80 % nothing happens yet."""
    async with World().open(hot_limit=10, spares=1) as world:
        await world.turn(room(1))
        await anyio.wait_all_tasks_blocked()
        world.pressure = 0.8
        await world.sessions.look_after()
        assert (world.hot, len(world.pool)) == ({"1"}, 1)
