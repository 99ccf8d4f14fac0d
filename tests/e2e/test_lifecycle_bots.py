"""Bots that go while something is owed."""

import asyncio
from http import HTTPStatus
from pathlib import Path

from bot.testing.campfire.records import Fate
from bot.testing.model import Gate, hold
from tests.e2e.test_lifecycle_bugs import dead_letters
from tests.e2e.world import PATIENCE_S, Running, open_world


async def removed(server: Running) -> None:
    """Wait until Ada takes no deliveries any more."""
    async with asyncio.timeout(PATIENCE_S):
        while (await server.request("POST", "/webhook/ada")).status_code != HTTPStatus.NOT_FOUND:
            pass


async def test_a_removed_bot_ends_its_turn(tmp_path: Path) -> None:
    """Its last version answers what it owes; what comes later is refused."""
    async with open_world(tmp_path) as world, world.serving() as server:
        gate = Gate()
        world.model.script("the tea", hold(gate), times=1)
        said = await world.say("@Ada echo: the tea is cold")
        await world.say("@Ada echo: the milk is sour")
        await gate.reached()
        await world.campfire.delivered()
        (world.bots_dir / "ada.toml").unlink()
        await removed(server)
        gate.release()
        assert await world.answer(said) == "the tea is cold"
        await world.campfire.wait_until(
            lambda _: world.said_by(world.ada) == ["the tea is cold", "the milk is sour"]
        )
        late = await world.campfire.say(world.room, world.kim, "@Ada hello", deliver=False)
        delivery = await world.campfire.redeliver(late, world.ada)
        assert delivery is not None
        assert (delivery.fate, delivery.status) == (Fate.SILENT, 404)
        assert await server.settled() == {"accepted": 2, "answered": 2}


async def test_a_bot_missing_at_the_start_gives_up_its_messages(tmp_path: Path) -> None:
    """Nobody can post for it: its open messages become dead letters with a reason."""
    async with open_world(tmp_path) as world:
        gate = Gate()
        world.model.script("the tea", hold(gate), times=1)
        async with world.serving({"HEARTH_GRACE": "0s"}):
            await world.say("@Ada echo: the tea is cold")
            await gate.reached()
        (world.bots_dir / "ada.toml").unlink()
        world.write_bot("bo")
        async with world.serving() as server:
            assert await server.settled() == {"accepted": 1, "dead": 1}
            said = await world.say("@Bo echo: all is well", mention=[world.bo])
            assert await world.answer(said, by=world.bo) == "all is well"
        assert dead_letters(world) == ['bot "ada" is not configured any more']
