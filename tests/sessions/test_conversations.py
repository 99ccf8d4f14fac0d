"""Children that do not end as they should."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import anyio
import pytest

from bot.errors import ConversationDied
from bot.sessions import conversations as conversations_module
from bot.sessions.statistics import Warmth
from tests.agent.bots import ADA
from tests.sessions.world import World, room


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Open sessions with eight places."""
    async with World().open(hot_limit=8) as world:
        yield world


@pytest.mark.parametrize(("stuck_s", "ended"), [(299.0, False), (301.0, True)])
async def test_a_child_that_is_stuck_is_ended(world: World, stuck_s: float, *, ended: bool) -> None:
    """After five minutes, whatever it does; its turn is tried once more by the caller."""
    await world.turn()
    child = world.agent.conversations[-1]
    world.agent.thinks.clear()
    running = asyncio.create_task(world.turn())
    await anyio.wait_all_tasks_blocked()
    child.stuck_s = stuck_s
    await world.sessions.end_stuck()
    await anyio.wait_all_tasks_blocked()
    assert (child in world.agent.open) is not ended
    world.agent.thinks.set()
    if ended:
        with pytest.raises(ConversationDied):
            await running
    else:
        assert await running is Warmth.HOT
    assert world.sessions.statistics().silenced == ended
    assert await world.turn() in {Warmth.HOT, Warmth.WARM}


async def test_a_bot_that_may_be_silent_longer_is_left_alone(world: World) -> None:
    """Its own limit comes first."""
    bot = replace(ADA, turn=replace(ADA.turn, silence_s=1000))
    await world.turn(bot=bot)
    child = world.agent.conversations[-1]
    child.stuck_s = 1050
    await world.sessions.end_stuck()
    assert child in world.agent.open
    child.stuck_s = 1061
    await world.sessions.end_stuck()
    await anyio.wait_all_tasks_blocked()
    assert child not in world.agent.open


async def test_a_child_that_resists_the_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """All are closed at the same time; one that hangs holds up nobody for long."""
    monkeypatch.setattr(conversations_module, "_CLOSE_S", 0.01)
    world = World()
    async with world.open(hot_limit=8):
        for number in range(8):
            await world.turn(room(number))
        hanging = world.agent.conversations[3]
        hanging.hangs = True
    assert hanging.aborted
    assert [c.aborted for c in world.agent.conversations].count(True) == 1
    assert world.agent.open == set()
