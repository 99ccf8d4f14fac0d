"""Booted conversations that wait for a new room."""

import asyncio
from dataclasses import replace

import anyio
import pytest

from bot.agent.start import Fresh
from bot.errors import AgentMissing, AgentStartFailed, ConversationDied, SessionLost
from bot.sessions.spares import fitting, pause_s
from bot.sessions.statistics import Warmth
from tests.agent.bots import ADA, ada
from tests.sessions.fakes import file_of
from tests.sessions.world import WATERCOOLER, World, room

PIRATE = ada(system_prompt="You are Ada, a pirate.")


async def settled(world: World) -> None:
    """Let what goes on in the background come to its end."""
    world.spares.refill()
    await anyio.wait_all_tasks_blocked()


async def test_a_new_room_takes_a_spare() -> None:
    """No child boots for it; the next spare does when the turn has its answer."""
    async with World().open(spares=1) as world:
        (spare,) = world.pool
        world.agent.boots.clear()
        world.agent.thinks.clear()
        turn = asyncio.create_task(world.turn())
        await anyio.wait_all_tasks_blocked()
        assert world.agent.conversations == [spare]
        world.agent.thinks.set()
        assert await turn is Warmth.SPARE
        await anyio.wait_all_tasks_blocked()
        assert len(world.agent.conversations) == 2
        world.agent.boots.set()
        assert world.session().session_id == spare.session_id
        assert await world.turn() is Warmth.HOT
        assert world.sessions.statistics().hits == {Warmth.SPARE: 1, Warmth.HOT: 1}
        assert world.sessions.statistics().spare_hits == world.session().spare_hits == 1


async def test_none_boots_before_what_is_owed() -> None:
    """Held at the start of a busy server, they begin when the first turn has its answer."""
    async with World().open(spares=1, held=True) as world:
        await settled(world)
        assert world.pool == []
        world.sessions.open_ahead(world.bots.get, 0, busy=True)
        await asyncio.sleep(0)
        await settled(world)
        assert world.pool == []
        assert await world.turn() is Warmth.COLD
        await anyio.wait_all_tasks_blocked()
        assert len(world.pool) == 1


async def test_an_idle_server_has_them_at_once() -> None:
    """Nobody is owed anything: they begin when the server serves."""
    async with World().open(spares=1, held=True) as world:
        assert world.pool == []
        world.sessions.open_ahead(world.bots.get, 0, busy=False)
        await asyncio.sleep(0)
        await settled(world)
        assert len(world.pool) == 1


async def test_its_session_is_on_disk_before_its_prompt() -> None:
    """The file names the spare's own session, which it had from birth."""
    async with World().open(spares=1) as world:
        (spare,) = world.pool
        assert spare.start == Fresh(session_id=spare.session_id)
        assert world.files.kept == {}
        world.files.disk.clear()
        turn = asyncio.create_task(world.turn())
        await anyio.wait_all_tasks_blocked()
        assert world.agent.prompts == []
        world.files.disk.set()
        await turn
        assert world.files.kept[WATERCOOLER].session_id == spare.session_id


async def test_its_cost_is_the_rooms() -> None:
    """What the spare counts goes to the session that has claimed it."""
    async with World().open(spares=1) as world:
        await world.turn()
        await world.turn()
        assert world.session().cost_usd == 0.5


async def test_spares_are_no_rooms_conversations() -> None:
    """They are counted apart, and a room that has a session file does not take one."""
    world = World()
    async with world.open():
        await world.turn()
    async with world.open(spares=2):
        statistics = world.sessions.statistics()
        assert (statistics.hot, statistics.spares, statistics.boots) == (0, 2, 2)
        assert await world.turn() is Warmth.WARM
        assert len(world.pool) == 2


@pytest.mark.parametrize("how", ["no transcript", "refused", "expired"])
async def test_a_lost_or_expired_session_takes_a_spare(how: str) -> None:
    """It begins anew: nothing hangs on its id."""
    world = World()
    file = file_of(WATERCOOLER, world.clock())
    world.files.kept[WATERCOOLER] = file
    if how != "no transcript":
        world.agent.transcripts[file.session_id] = ['{"parentUuid":null,"uuid":"x","type":"user"}']
    world.agent.refusals = {file.session_id: SessionLost("No conversation found")}
    async with world.open(spares=1):
        if how == "expired":
            world.clock.forward(days=2)
        assert await world.turn() is Warmth.SPARE
        assert world.sessions.statistics().lost == (how != "expired")
        assert world.agent.forgotten == [file.session_id]


async def test_a_spare_that_boots_is_taken_when_none_is_ready() -> None:
    """It has a head start, and is urgent from now on; but the turn has waited for a boot."""
    world = World()
    world.agent.boots.clear()
    async with world.open(spares=1):
        (spare,) = world.pool
        turn = asyncio.create_task(world.turn())
        await anyio.wait_all_tasks_blocked()
        assert not spare.ticket.urgency.background
        assert world.agent.conversations[0] is spare
        assert world.pool == []
        world.agent.boots.set()
        assert await turn is Warmth.COLD
        assert world.session().session_id == spare.session_id


async def test_a_spare_makes_room_for_a_room() -> None:
    """With all places taken a spare goes first; it leaves nothing behind."""
    async with World().open(hot_limit=3, spares=1) as world:
        await world.turn(room(1))
        await settled(world)
        (spare,) = world.pool
        world.bots = {"bo": replace(ADA, id="bo"), "ada": ADA}
        await world.turn(room(2))  # takes the spare
        await settled(world)
        assert len(world.agent.open) == 2  # one place is kept for whoever comes
        assert world.pool == []
        await world.turn(room(3))
        assert world.sessions.statistics().evicted == 0
        assert spare in world.agent.open


async def test_a_spare_of_another_bot_makes_room() -> None:
    """It is dropped for a turn that cannot use it, before any room loses its conversation."""
    async with World().open(hot_limit=4, spares=1) as world:
        (spare,) = world.pool
        bo = replace(ADA, id="bo", system_prompt="You are Bo.")
        for number in (1, 2, 3, 4):
            await world.turn(replace(room(number), bot="bo"), bo)
        assert spare not in world.agent.open
        assert spare.session_id in world.agent.forgotten
        assert world.sessions.statistics().evicted == 0
        assert len(world.agent.open) == 4


async def test_spares_take_no_place_that_may_be_needed() -> None:
    """One is left for a room that comes; and a machine that is full gets no spares."""
    async with World().open(hot_limit=1, spares=1) as world:
        assert world.pool == []
    world = World()
    world.pressure = 0.9
    async with world.open(spares=1):
        assert world.pool == []


async def test_a_changed_bot_gets_other_spares() -> None:
    """The old ones go, and are not taken meanwhile."""
    async with World().open(spares=1) as world:
        (old,) = world.pool
        world.bots = {"ada": PIRATE}
        assert await world.turn(bot=PIRATE) is Warmth.COLD
        world.sessions.bots_changed()
        await anyio.wait_all_tasks_blocked()
        (new,) = world.pool
        assert new.bot is PIRATE
        assert old not in world.agent.open
        assert old.session_id in world.agent.forgotten


async def test_a_removed_bot_gets_none() -> None:
    """Its spares go with its file."""
    async with World().open(spares=2) as world:
        world.bots = {}
        world.sessions.bots_changed()
        await anyio.wait_all_tasks_blocked()
        assert (world.pool, world.agent.open) == ([], set())


async def test_a_dead_spare_is_replaced_after_a_while() -> None:
    """Nobody gets it, and a child that cannot live is not started again and again."""
    async with World().open(spares=1) as world:
        world.pause_s = 60.0
        (dead,) = world.pool
        dead.die()
        await settled(world)
        assert (world.pool, len(world.agent.conversations)) == ([], 1)
        assert dead.session_id in world.agent.forgotten
        assert world.sessions.statistics().died == 1
        world.spares._not_before.clear()  # the while is over
        await settled(world)
        assert len(world.pool) == 1


@pytest.mark.parametrize("when", ["made", "started"])
async def test_a_spare_that_cannot_start_is_tried_again_later(when: str) -> None:
    """Not at once, in a ring."""
    world = World()
    world.pause_s = 60.0
    if when == "made":
        world.agent.missing = AgentMissing("no such tool")
    else:
        world.agent.refuse_all = AgentStartFailed("no memory")
    async with world.open(spares=1):
        await settled(world)
        assert len(world.agent.conversations) == (when == "started")
        assert world.pool == []


def test_the_pause_grows_with_the_failures() -> None:
    """From a second to five minutes."""
    assert [pause_s(failures) for failures in (0, 1, 2, 3, 9, 100)] == [0, 1, 2, 4, 256, 300]


async def test_a_claimed_spare_that_dies_costs_one_retry() -> None:
    """Its session is on disk: the second try goes on under the same id."""
    async with World().open(spares=1) as world:
        (spare,) = world.pool
        world.agent.failures = [ConversationDied("killed")]
        with pytest.raises(ConversationDied):
            await world.turn()
        assert await world.turn() is Warmth.COLD
        assert world.session().session_id == spare.session_id


async def test_a_disk_that_cannot_be_written_costs_the_spare() -> None:
    """A claim that is not on disk leaves no child behind."""
    async with World().open(spares=1) as world:
        (spare,) = world.pool
        world.files.error = OSError(28, "No space left on device")
        with pytest.raises(AgentStartFailed, match="No space left"):
            await world.turn()
        assert spare not in world.agent.open
        world.files.error = None


async def test_spares_are_closed_and_forgotten_with_the_server() -> None:
    """Also one that boots: nothing of them stays on disk."""
    world = World()
    async with world.open(spares=1):
        (spare,) = world.pool
    assert world.agent.open == set()
    assert world.agent.forgotten == [spare.session_id]
    world.agent.boots.clear()
    async with world.open(spares=1):
        (booting,) = world.pool
    assert world.agent.open == set()
    assert booting.session_id in world.agent.forgotten


async def test_what_a_crash_left_of_spares_is_tidied_up() -> None:
    """At the start the agent learns which sessions there are."""
    world = World()
    file = file_of(WATERCOOLER, world.clock())
    world.files.kept[WATERCOOLER] = file
    async with world.open():
        assert world.agent.tidied == [file.session_id]


@pytest.mark.parametrize(
    ("places", "bots", "each"), [(8, 1, 1), (16, 1, 2), (120, 1, 3), (120, 10, 1), (1, 0, 1)]
)
def test_the_default_goes_by_the_memory(places: int, bots: int, each: int) -> None:
    """An eighth of the places there are, but one for each bot at least, and three at most."""
    assert fitting(places, bots) == each
