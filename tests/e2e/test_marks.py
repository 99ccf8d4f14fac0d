"""What each who asked sees of it: a mention that notifies, and a mark on every message."""

from pathlib import Path

import pytest

from bot.testing.campfire.markup import mentioned_ids
from bot.testing.model import Gate, hold
from tests.e2e.test_progress import QUICK, by_ada, reactions, until
from tests.e2e.test_when_busy import when_busy
from tests.e2e.world import World, open_world


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show soon what takes seconds otherwise."""
    monkeypatch.setattr("bot.app.PACE", QUICK)


async def _named(world: World, gate: Gate) -> None:
    """Have Kim answered with her name, after a placeholder was there."""
    world.model.script("the tea", hold(gate, after_tokens=1), times=1)
    said = await world.say("@Ada echo: the tea is cold")
    await until(world, lambda: any("⏳" in (one.html or "") for one in by_ada(world)))
    (placeholder,) = by_ada(world)
    gate.release()
    await until(world, lambda: reactions(world, said) == ["👀", "✅"])
    await until(world, lambda: world.said_by(world.ada) == ["@Kim the tea is cold"])
    (answer,) = by_ada(world)
    assert answer.id > placeholder.id
    assert answer.edits == ()
    assert mentioned_ids(answer.html or "") == [world.kim.id]


async def test_who_is_named_is_notified(tmp_path: Path) -> None:
    """An edit notifies nobody: an answer with a mention is posted, and the placeholder goes."""
    async with open_world(tmp_path) as world:
        world.write_bot("ada", '[reply]\nmention = "always"\n')
        async with world.serving() as server:
            await _named(world, Gate())
            assert await server.settled() == {"accepted": 1, "answered": 1}
        assert world.campfire.violations == ()


async def test_what_waits_is_seen(tmp_path: Path) -> None:
    """Kim is answered; Lee's question, which has to wait, shows that it was heard, and its end."""
    async with open_world(tmp_path) as world, world.serving() as server:
        gate = Gate()
        world.model.script("the tea", hold(gate), times=1)
        first = await world.say("@Ada echo: the tea")
        await gate.reached()
        second = await world.say("@Ada echo: the milk", person=world.lee)
        await until(world, lambda: reactions(world, second) == ["👀"])
        gate.release()
        for said in (first, second):
            await until(world, lambda said=said: reactions(world, said) == ["👀", "✅"])
        assert await server.settled() == {"accepted": 2, "answered": 2}


@pytest.mark.parametrize("mode", ["collect", "steer", "interrupt"])
async def test_each_that_was_answered_is_marked(tmp_path: Path, mode: str) -> None:
    """Not only the one that led the turn."""
    async with open_world(tmp_path) as world:
        when_busy(world, mode)
        async with world.serving() as server:
            gate = Gate()
            world.model.script("the tea", hold(gate, after_tokens=1), times=1)
            said = [await world.say("@Ada say back: the tea")]
            await gate.reached()
            for what in ("the milk", "the sugar"):
                said.append(await world.say(f"@Ada say back: {what}"))
                await until(world, lambda: "👀" in reactions(world, said[-1]))
            gate.release()
            for one in said:
                await until(world, lambda one=one: reactions(world, one) == ["👀", "✅"])
            assert await server.settled() == {"accepted": 3, "answered": 3}


async def test_what_is_stopped_is_marked_by_itself(tmp_path: Path) -> None:
    """Lee's, which shares a turn with Kim's, is answered; hers has a cross."""
    async with open_world(tmp_path) as world:
        when_busy(world, "collect")
        async with world.serving() as server:
            first, gate = Gate(), Gate()
            world.model.script("the milk", hold(gate, after_tokens=1), times=1)
            world.model.script("the tea", hold(first), times=1)
            await world.say("@Ada say back: the tea")
            await first.reached()
            of_kim = await world.say("@Ada say back: the sugar")
            of_lee = await world.say("@Ada say back: the milk", person=world.lee)
            await world.campfire.delivered()
            first.release()
            await gate.reached()
            await world.say("@Ada stop")
            await until(world, lambda: reactions(world, of_kim) == ["👀", "❌"])
            gate.release()
            await until(world, lambda: reactions(world, of_lee) == ["👀", "✅"])
            assert (await server.settled())["stopped"] == 1


async def test_waiting_unseen(tmp_path: Path) -> None:
    """A bot that shows no progress shows none of this either; another one, in the room, does."""
    async with open_world(tmp_path) as world:
        world.write_bot("bo")
        world.write_bot("ada", "[turn]\nprogress = false\n")
        async with world.serving() as server:
            gate = Gate()
            world.model.script("the tea", hold(gate), times=1)
            await world.say("@Ada echo: the tea")
            await gate.reached()
            second = await world.say("@Ada echo: the milk", person=world.lee)
            third = await world.say("@Bo echo: the sugar", mention=[world.bo])
            await until(world, lambda: reactions(world, third) == ["👀"])
            assert reactions(world, second) == []
            gate.release()
            assert await server.settled() == {"accepted": 3, "answered": 3}
            await until(world, lambda: reactions(world, third) == ["👀", "✅"])
            assert reactions(world, second) == []
