"""`stop`, and the server ends: what was stopped stays so, and that is said once."""

import signal
from pathlib import Path

import pytest

from bot.language.english import ENGLISH
from bot.testing.campfire import Campfire
from bot.testing.model import Gate, hold
from tests.e2e.process import serving_apart
from tests.e2e.world import World, open_world

_KILL = "from tests.e2e.killing import kill\n"
_JOURNAL = "bot.journal.journal:Journal"

#: Where the server ends, in the order of the command's way.
POINTS = {
    "before the commit": ("before", "bot.journal.orders:Orders.obey"),
    "after the commit, before the 204": ("after", "bot.journal.orders:Orders.obey"),
    "before its answer is known": ("before", "bot.rooms.telling:Telling.answer"),
    "before its answer is frozen": ("before", f"{_JOURNAL}.freeze"),
    "after its answer is frozen": ("after", f"{_JOURNAL}.freeze"),
    "after its answer is posted": ("after", "bot.platforms.campfire.campfire:Campfire.post"),
    "after it is settled": ("after", f"{_JOURNAL}.settle"),
}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a doubt last half a second in this process, where servers are started again."""
    monkeypatch.setattr("bot.rooms.lookup.POST_TIMEOUT_S", 0.5)


async def crash(world: World, point: str) -> None:
    """Serve until a stop, said while the model thinks, ends the server at *point*."""
    when, target = POINTS[point]
    gate = Gate()
    world.model.script("the tea", hold(gate, after_tokens=1), times=1)
    async with serving_apart(world, fault=f"{_KILL}kill({when!r}, {target!r})") as server:
        await world.say("@Ada echo: the tea is cold")
        await gate.reached()
        await world.written("the tea")
        await world.say("@Ada stop")
        assert await server.ended() == -signal.SIGKILL


@pytest.mark.parametrize("point", list(POINTS)[1:])
async def test_it_is_not_brought_back(tmp_path: Path, point: str) -> None:
    """The turn never runs again, the agent has forgotten its prompt, and the stop is told once."""
    async with open_world(tmp_path) as world:
        await crash(world, point)
        async with world.serving() as server:
            assert await server.settled() == {"accepted": 2, "answered": 1, "stopped": 1}
            assert world.said_by(world.ada) == [ENGLISH.stopped_one]
            assert "1 turn" in await world.ask("@Ada count the turns")
        assert [request.last_text.count("the tea") for request in world.model.requests] == [1, 0]
        assert world.campfire.violations == ()


async def test_what_was_not_accepted_stops_nothing(tmp_path: Path) -> None:
    """The server ended before the commit, and nobody was told of a stop: the turn goes on."""
    async with open_world(tmp_path) as world:
        await crash(world, "before the commit")
        async with world.serving({"HEARTH_CATCH_UP": "0s"}) as server:
            assert await server.settled() == {"accepted": 1, "answered": 1}
            assert world.said_by(world.ada) == ["the tea is cold"]


async def test_a_stop_that_was_missed_is_caught_up_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was said while nobody listened: found in the room's history, it stops what was before."""
    monkeypatch.setattr("bot.app._CATCH_UP_S", 0.1)
    async with open_world(tmp_path) as world:
        async with world.serving() as server:
            await world.ask("@Ada echo: hello")
            await server.settled()
            await world.campfire.wait_until(_was_read)
        gate = Gate()
        world.model.script("the tea", hold(gate))
        async with serving_apart(world) as apart:
            await world.say("@Ada echo: the tea is cold")
            await gate.reached()
            apart.signal(signal.SIGKILL)
            await apart.ended()
        await world.campfire.say(
            world.room, world.kim, "@Ada stop", mention=[world.ada], deliver=False
        )
        async with world.serving() as restarted:
            assert await restarted.settled() == {"accepted": 3, "answered": 2, "stopped": 1}
            assert world.said_by(world.ada) == ["hello", ENGLISH.stopped_one]


def _was_read(campfire: Campfire) -> bool:
    return any(call.method == "GET" for call in campfire.api_calls)
