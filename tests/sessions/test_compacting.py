"""When a long conversation is summed up, and when that gives way."""

import asyncio
from dataclasses import replace

import anyio
import pytest

from bot.agent.compaction import Compaction
from bot.agent.start import Resume
from bot.errors import ConversationDied
from bot.records import SessionKey
from bot.sessions import compacting
from bot.sessions.statistics import Warmth
from tests.agent.bots import ADA
from tests.sessions.fakes import FakeConversation
from tests.sessions.world import WATERCOOLER, World, ask, room

LIMIT = 10_000
SHORT = replace(ADA, session=replace(ADA.session, max_context_tokens=LIMIT))


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compacting, "QUIET_S", 0.0)


async def turn(world: World, tokens: int, key: SessionKey = WATERCOOLER) -> Warmth:
    """Run a turn after which the conversation is so long, and let be done what follows."""
    world.agent.context_tokens = tokens
    path = await world.turn(key, SHORT)
    await anyio.wait_all_tasks_blocked()
    return path


def summaries(world: World) -> int:
    """Count the children that were started to sum up."""
    return sum(isinstance(start, Compaction) for start in world.agent.starts)


async def test_above_the_limit() -> None:
    """Another child sums it up, never beside the first, and a third one waits for the next turn."""
    async with World().open() as world:
        assert await turn(world, LIMIT) is Warmth.COLD
        assert summaries(world) == 0
        await turn(world, LIMIT + 1)
        first, summing, third = world.agent.starts
        assert summing == Compaction(session_id=first.session_id)
        assert third == Resume(session_id=first.session_id)
        assert world.agent.most_open == 1
        statistics = world.sessions.statistics()
        assert (statistics.compactions, statistics.hot) == (1, 1)
        assert await turn(world, 1) is Warmth.WARM
        assert world.session().cost_usd == pytest.approx(4 * 0.25)


async def test_not_while_a_message_waits() -> None:
    """Only when nothing is left in the lane."""
    async with World().open() as world:
        world.agent.context_tokens = LIMIT + 1
        async with world.sessions.seat(
            SHORT, WATERCOOLER, asked_at=world.clock(), lane="campfire/1"
        ) as seat:
            await ask(seat)
        await anyio.wait_all_tasks_blocked()
        assert summaries(world) == 0
        world.sessions.lane_ended("campfire/2")
        await anyio.wait_all_tasks_blocked()
        assert summaries(world) == 0
        world.sessions.lane_ended("campfire/1")
        await anyio.wait_all_tasks_blocked()
        assert summaries(world) == 1


async def test_a_message_that_arrives_drops_it() -> None:
    """Before its turn begins; the child is killed, as one that is interrupted writes that down."""
    async with World().open() as world:
        world.agent.context_tokens = LIMIT + 1
        await world.turn(WATERCOOLER, SHORT)
        world.agent.thinks.clear()
        await anyio.wait_all_tasks_blocked()
        (summing,) = (c for c in world.agent.conversations if isinstance(c.start, Compaction))
        assert summing.usable
        world.early(bot=SHORT)
        await anyio.wait_all_tasks_blocked()
        assert summing.aborted
        assert summing not in world.agent.open
        world.agent.thinks.set()
        assert await world.turn(WATERCOOLER, SHORT) is Warmth.WARM
        assert world.sessions.statistics().compactions == 0


async def summing_up(world: World) -> FakeConversation:
    """Have a child write a summary, and not come to its end."""
    world.agent.context_tokens = LIMIT + 1
    await world.turn(WATERCOOLER, SHORT)
    world.agent.thinks.clear()
    await anyio.wait_all_tasks_blocked()
    (summing,) = (c for c in world.agent.conversations if isinstance(c.start, Compaction))
    assert summing.usable
    return summing


async def test_new_drops_it() -> None:
    """Whoever says so waits for no summary of what is forgotten then."""
    async with World().open() as world:
        summing = await summing_up(world)
        async with world.sessions.ending(WATERCOOLER) as forget:
            await forget()
        assert summing.aborted
        await anyio.wait_all_tasks_blocked()
        assert world.agent.open == set()


async def test_a_session_that_is_gone_is_not_summed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was long, and somebody began anew before the room had been quiet for long enough."""
    monkeypatch.setattr(compacting, "QUIET_S", 0.01)
    async with World().open() as world:
        world.agent.context_tokens = LIMIT + 1
        await world.turn(WATERCOOLER, SHORT)
        async with world.sessions.ending(WATERCOOLER) as forget:
            await forget()
        assert world.sessions._compacting._tasks == {}
        assert summaries(world) == 0


async def test_it_gives_its_place_to_another_room() -> None:
    """Where there is no other, and somebody waits for one."""
    async with World().open(hot_limit=1) as world:
        summing = await summing_up(world)
        asked = asyncio.create_task(world.turn(room(2)))
        await anyio.wait_all_tasks_blocked()
        assert summing.aborted
        world.agent.thinks.set()
        assert await asked is Warmth.COLD


@pytest.mark.parametrize("failure", [None, ConversationDied("the child ended")])
async def test_a_summary_that_fails_is_not_tried_after_each_turn(
    failure: ConversationDied | None,
) -> None:
    """The session goes on, and is summed up when it has grown further."""
    async with World().open() as world:
        world.agent.compacted_to = None
        await turn(world, 1)
        if failure is not None:
            world.agent.context_tokens = LIMIT + 1
            await world.turn(WATERCOOLER, SHORT)
            world.agent.failures = [failure]
            await anyio.wait_all_tasks_blocked()
        else:
            await turn(world, LIMIT + 1)
        assert summaries(world) == 1
        await turn(world, LIMIT + 2)
        assert summaries(world) == 1
        world.agent.compacted_to = 500
        await turn(world, LIMIT * 2)
        assert (summaries(world), world.sessions.statistics().compactions) == (2, 1)


async def test_a_summary_that_gains_nothing_is_not_repeated() -> None:
    """Where even the summary is about as long as the limit, there is one, until it has grown."""
    async with World().open() as world:
        world.agent.compacted_to = LIMIT
        for _ in range(3):
            await turn(world, LIMIT + 1)
        assert summaries(world) == 1
        await turn(world, LIMIT * 2)
        assert summaries(world) == 2


async def test_each_room_by_itself() -> None:
    """What is long in one room disturbs no other."""
    async with World().open() as world:
        await turn(world, 1, room(1))
        await turn(world, LIMIT + 1, room(2))
        assert summaries(world) == 1
        assert await turn(world, 1, room(1)) is Warmth.HOT


async def test_the_end_of_the_server_drops_it() -> None:
    """Nothing is left open, and nothing waited for."""
    world = World()
    async with world.open():
        world.agent.context_tokens = LIMIT + 1
        await world.turn(WATERCOOLER, SHORT)
        world.agent.thinks.clear()
        await anyio.wait_all_tasks_blocked()
        assert summaries(world) == 1
    assert world.agent.open == set()
