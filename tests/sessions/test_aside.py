"""A conversation beside the sessions, of which nothing stays."""

import asyncio

import anyio
import pytest
from structlog.testing import capture_logs

from bot.agent.start import Unkept
from bot.errors import AgentStartFailed, ConversationDied, NoPlace
from bot.sessions.statistics import Warmth
from tests.agent.bots import ADA
from tests.sessions.world import WATERCOOLER, World, ask


async def test_it_is_no_session() -> None:
    """No file, no spare, none of the room's own; and when it ends, it is gone."""
    world = World()
    async with world.open(spares=1):
        await world.turn()
        own, kept = world.known().file, dict(world.files.kept)
        async with world.sessions.aside(ADA, WATERCOOLER) as seat:
            await ask(seat)
            assert seat.path is Warmth.COLD
            assert seat.session_id != own.session_id
        unkept = [start for start in world.agent.starts if isinstance(start, Unkept)]
        assert unkept == [Unkept(session_id=seat.session_id)]
        assert world.agent.erased == [seat.session_id]
        assert (world.known().file.session_id, world.known().file.turns) == (own.session_id, 1)
        assert world.files.kept.keys() == kept.keys()
        assert len(world.spares) == 1
        assert world.sessions.statistics().hits[Warmth.COLD] == 1


async def test_the_rooms_conversation_stays_open_beside_it() -> None:
    """The next turn there is a hot one."""
    world = World()
    async with world.open():
        await world.turn()
        async with world.sessions.aside(ADA, WATERCOOLER) as seat:
            await ask(seat)
        assert await world.turn() is Warmth.HOT


async def test_it_is_gone_however_its_turn_ends() -> None:
    """Whether its child dies, does not start, or is not waited for."""
    world = World()
    async with world.open():
        world.agent.failures.append(ConversationDied("x"))
        with pytest.raises(ConversationDied):
            async with world.sessions.aside(ADA, WATERCOOLER) as seat:
                await ask(seat)
        world.agent.refuse_all = AgentStartFailed("x")
        with pytest.raises(AgentStartFailed):
            async with world.sessions.aside(ADA, WATERCOOLER):
                pass
        world.agent.refuse_all = None
        async with asyncio.TaskGroup() as group:
            turn = group.create_task(_for_ever(world))
            await anyio.wait_all_tasks_blocked()
            turn.cancel()
        assert world.agent.erased == [start.session_id for start in world.agent.starts]
        assert world.agent.open == set()


async def _for_ever(world: World) -> None:
    async with world.sessions.aside(ADA, WATERCOOLER):
        await asyncio.Event().wait()


async def test_it_needs_a_place_like_any_other() -> None:
    """A room's idle conversation goes for it; without any, the turn is told so."""
    world = World()
    async with world.open(hot_limit=1):
        await world.turn()
        async with world.sessions.aside(ADA, WATERCOOLER):
            assert world.hot == set()
            world.sessions.patience_s = 0.0
            with pytest.raises(NoPlace):
                async with world.sessions.aside(ADA, WATERCOOLER):
                    pass


async def test_what_cannot_be_removed_is_said() -> None:
    """The answer is not lost for it."""
    world = World()
    async with world.open():
        world.agent.unerasable = OSError(5, "Input/output error")
        with capture_logs() as logs:
            async with world.sessions.aside(ADA, WATERCOOLER) as seat:
                await ask(seat)
        assert "off_record_unremovable" in {line["event"] for line in logs}
