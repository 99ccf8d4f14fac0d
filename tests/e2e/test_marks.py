"""What each who asked sees of it: a mention that notifies, and a mark on every message."""

from pathlib import Path

import pytest

from bot.testing.campfire.markup import mentioned_ids
from bot.testing.model import Gate, hold
from tests.e2e.test_progress import QUICK, by_ada, reactions, until
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
