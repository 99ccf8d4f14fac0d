"""When the model fails or stays silent, the room hears why, once, and goes on."""

from pathlib import Path

import pytest

from bot.agent import launch
from bot.testing.model import fail, stall
from tests.e2e.watching import Log
from tests.e2e.world import open_world


@pytest.mark.parametrize("after_tokens", [None, 2])
async def test_a_turn_that_takes_too_long(
    tmp_path: Path, log: Log, after_tokens: int | None
) -> None:
    """The room is told, and the next message gets an answer of its own, never the late one."""
    async with open_world(tmp_path) as world:
        world.write_bot("ada", '[turn]\ntimeout = "1s"\n')
        async with world.serving() as server:
            await world.ask("@Ada my name is Kim")
            world.model.script("the tea", stall(after_tokens), times=1)
            assert "took too long" in await world.ask("@Ada echo: the tea is cold")
            assert await world.ask("@Ada echo: the milk is sour") == "the milk is sour"
            assert "Kim" in await world.ask("@Ada what is my name?")
            assert len(world.said_by(world.ada)) == 4
            (line,) = log.find("turn_failed", level="error", bot="ada")
            assert line["why"] == "TurnTimedOut: no answer within 1 s"
            assert await server.settled() == {"accepted": 4, "answered": 3, "told": 1}


#: What the model says, and what the room hears of it.
SAYINGS = {
    400: "no credit left",
    401: "does not accept my key",
    429: "rate limit",
    500: "cannot be reached",
    529: "overloaded",
}


async def test_a_model_that_fails(
    tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a sentence of its own, said once, and a line for the operator; others go on."""
    monkeypatch.setattr(launch, "_MODEL_RETRIES", 0)  # the child waits half a second and more
    async with open_world(tmp_path) as world, world.serving() as server:
        for status, sentence in SAYINGS.items():
            world.model.script("the tea", fail(status), times=1)
            assert sentence in await world.ask(f"@Ada echo: the tea of {status}")
            assert await world.ask(f"@Ada echo: after {status}") == f"after {status}"
        assert len(world.said_by(world.ada)) == 2 * len(SAYINGS)
        assert await server.settled() == {"accepted": 10, "answered": 5, "told": 5}
        assert (await server.get("/session/stats"))["hits"] == {"cold": 1, "hot": 9}
        lines = [line["why"] for line in log.find("turn_failed", level="error", bot="ada")]
        assert len(set(lines)) == len(lines) == len(SAYINGS)
        assert all(line.startswith("ModelFailed: ") for line in lines)


async def test_a_model_that_fails_for_a_moment(tmp_path: Path) -> None:
    """The child tries again by itself, and the room notices nothing."""
    async with open_world(tmp_path) as world, world.serving() as server:
        world.model.script("the tea", fail(529), times=1)
        assert await world.ask("@Ada echo: the tea is cold") == "the tea is cold"
        assert await server.settled() == {"accepted": 1, "answered": 1}


async def test_the_child_does_not_try_for_ever(tmp_path: Path) -> None:
    """Its own default of ten retries would keep a room waiting for minutes."""
    async with open_world(tmp_path) as world, world.serving():
        script = world.model.script("the tea", fail(529))
        assert "overloaded" in await world.ask("@Ada echo: the tea is cold")
        assert script.used == 1 + launch._MODEL_RETRIES
