"""`stop`, where several messages share a turn: what others asked is answered, and asked once."""

import asyncio
from pathlib import Path

import pytest

from bot.language.english import ENGLISH
from bot.testing.model import Gate, hold
from tests.e2e.test_when_busy import prompts, say, when_busy
from tests.e2e.test_when_busy_crashes import times_asked
from tests.e2e.watching import Log
from tests.e2e.world import PATIENCE_S, World, open_world


class Watched(Gate):
    """A gate that knows when whoever waits there has gone away."""

    def __init__(self) -> None:
        super().__init__()
        self._left = asyncio.Event()

    async def __call__(self) -> None:
        """Arrive, and wait."""
        try:
            await super().__call__()
        finally:
            self._left.set()

    async def left(self) -> None:
        """Wait until somebody has gone away."""
        async with asyncio.timeout(PATIENCE_S):
            await self._left.wait()


async def collected(world: World, gate: Gate, after_tokens: int | None) -> None:
    """Have Lee's milk and Kim's sugar asked in one turn, Lee's first, and held at *gate*."""
    first = Gate()
    world.model.script("the sugar", hold(gate, after_tokens), times=1)
    world.model.script("the tea", hold(first), times=1)
    await say(world, "the tea")
    await first.reached()
    await say(world, "the milk", world.lee)
    await say(world, "the sugar")
    await world.campfire.delivered()
    first.release()
    await gate.reached()


@pytest.mark.parametrize("after_tokens", [None, 1])
async def test_a_companion_stops(tmp_path: Path, after_tokens: int | None) -> None:
    """Kim stops what was asked along with Lee's: Lee alone is answered, and named."""
    async with open_world(tmp_path) as world:
        when_busy(world, "collect", '[reply]\nmention = "always"\n')
        async with world.serving() as server:
            gate = Gate()
            await collected(world, gate, after_tokens)
            await world.ask("@Ada stop")
            assert await server.settled() == {"accepted": 4, "answered": 3, "stopped": 1}
            gate.release()
            await world.ask("@Ada and now?")
        assert prompts(world)[1:3] == [
            ["Lee: say back: the milk", "Kim: say back: the sugar"],
            ["Lee: say back: the milk"],
        ]
        *_, answer, _ = world.said_by(world.ada)
        assert answer.startswith("@Lee")
        assert "@Kim" not in answer
        assert not any("the sugar" in said for said in world.said_by(world.ada))
        assert times_asked(world, "the milk") == {1}
        assert "the sugar" not in str(world.model.requests[-1].body)


@pytest.mark.parametrize("after_tokens", [None, 1])
async def test_a_leader_stops(tmp_path: Path, after_tokens: int | None) -> None:
    """Lee stops what led the turn: Kim's is asked again, and the agent sees it once."""
    async with open_world(tmp_path) as world:
        when_busy(world, "collect")
        async with world.serving() as server:
            gate = Gate()
            await collected(world, gate, after_tokens)
            await world.ask("@Ada stop", person=world.lee)
            assert await server.settled() == {"accepted": 4, "answered": 3, "stopped": 1}
            gate.release()
            await world.ask("@Ada and now?")
        assert times_asked(world, "the sugar") == {1}
        assert "the milk" not in str(world.model.requests[-1].body)
        assert any("Kim: the sugar" in said for said in world.said_by(world.ada))


@pytest.mark.parametrize("additions", [1, 2])
async def test_an_addition_between_two_turns(tmp_path: Path, log: Log, additions: int) -> None:
    """The child has begun with what was added; it is quiet when that is stopped, and goes on."""
    async with open_world(tmp_path) as world:
        when_busy(world, "steer")
        gate, second, post = Gate(), Watched(), Gate()
        async with world.serving() as server:
            world.model.script("the milk", hold(second, after_tokens=1), times=1)
            world.model.script("the tea", hold(gate, after_tokens=1), times=1)
            await say(world, "the tea")
            await gate.reached()
            for number in range(additions):
                await say(world, f"the milk {number}")
                await log.until("turn_steered", by=2 + number)
            world.campfire.slow_posts(post)
            gate.release()
            await second.reached()
            await post.reached()
            world.campfire.slow_posts(0)
            await world.say("@Ada stop")
            await second.left()
            post.release()
            counted = await server.settled()
            assert counted["stopped"] >= additions
            assert await world.ask("@Ada echo: and now") == "and now"
            (session,) = (await server.get("/session/stats"))["sessions"]
            assert (session["state"], session["boots"]) == ("hot", 1)
        assert not log.find("child_silent")
        assert not any("the milk" in said for said in world.said_by(world.ada))


async def test_an_answer_for_others_too(tmp_path: Path) -> None:
    """Lee, who led the turn, stops while its answer is being posted: it is Kim's as well."""
    async with open_world(tmp_path) as world:
        when_busy(world, "collect")
        async with world.serving() as server:
            gate, post = Gate(), Gate()
            await collected(world, gate, None)
            world.campfire.slow_posts(post)
            gate.release()
            await post.reached()
            world.campfire.slow_posts(0)
            assert await world.ask("@Ada stop", person=world.lee) == ENGLISH.nothing_to_stop
            post.release()
            assert await server.settled() == {"accepted": 4, "answered": 4}
        assert len(world.model.requests) == 2
        said = world.said_by(world.ada)
        assert sum("Kim: the sugar" in one and "Lee: the milk" in one for one in said) == 1
