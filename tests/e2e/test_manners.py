"""A party, small enough for every day; ``python -m tests.benchmarks manners`` gives a large one."""

from pathlib import Path

import pytest
from anyio.lowlevel import checkpoint

from bot.testing.model.behaviour import Pace
from tests.e2e.manners import MODES, Party
from tests.e2e.test_when_busy import when_busy
from tests.e2e.world import open_world


@pytest.mark.parametrize("mode", MODES)
async def test_everybody_is_answered_or_told(tmp_path: Path, mode: str) -> None:
    """Nobody is forgotten, nobody gets somebody else's answer, nobody is answered twice."""
    async with open_world(tmp_path, workers=4) as world:
        when_busy(world, mode)
        world.model.pace = Pace(latency_s=0.02)
        party = Party(world.campfire, world.ada, people=6, rooms=3)
        async with world.serving() as server:
            await party.speak(60, pause=checkpoint)
            counted = await server.settled()
        verdict = party.judge()
        assert verdict.good, verdict
        assert counted["accepted"] == verdict.said == 60
        assert counted["answered"] == verdict.answered
        assert counted.get("told", 0) == verdict.told
        assert world.campfire.violations == ()
