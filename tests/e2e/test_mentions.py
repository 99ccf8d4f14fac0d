"""Whom an answer names, as the room shows it."""

import asyncio
from pathlib import Path

import pytest

from bot.testing.campfire.markup import mentioned_ids
from bot.testing.gate import Gate
from bot.testing.model import hold
from tests.e2e.world import World, open_world


def naming(world: World, how: str) -> None:
    """Let Ada name people so."""
    world.write_bot("ada", f'[reply]\nmention = "{how}"\n')


async def test_always(tmp_path: Path) -> None:
    """Every answer begins with a real mention of who asked, in its first part only."""
    async with open_world(tmp_path) as world:
        naming(world, "always")
        async with world.serving() as server:
            assert await world.ask("@Ada echo: hi") == "@Kim hi"
            assert await world.ask("@Ada echo: hi", person=world.lee) == "@Lee hi"
            assert await world.ask("@Ada", person=world.lee) != "@Lee"
            asked = await world.say("@Ada a long answer, please")
            await world.answer(asked)
            await server.settled()
            parts = [m for m in world.campfire.room(world.room).messages if m.id > asked.id]
            mentioned = [mentioned_ids(part.html or "") for part in parts]
            assert mentioned[0] == [world.kim.id]
            assert len(mentioned) > 1
            assert not any(mentioned[1:])
        assert world.campfire.violations == ()


async def test_never(tmp_path: Path) -> None:
    """Not even when it is unclear."""
    async with open_world(tmp_path) as world:
        naming(world, "never")
        async with world.serving() as server:
            await asyncio.gather(
                world.say("@Ada echo: one"), world.say("@Ada echo: two", person=world.lee)
            )
            await server.settled()
            assert sorted(world.said_by(world.ada)) == ["one", "two"]


async def test_when_it_is_unclear(tmp_path: Path) -> None:
    """Nobody between question and answer, no name; somebody between, a name."""
    async with open_world(tmp_path) as world, world.serving() as server:
        assert await world.ask("@Ada echo: alone") == "alone"
        gate = Gate()
        world.model.script("echo: slow", hold(gate))
        await world.say("@Ada echo: slow")
        await world.model.asked("echo: slow")
        await world.say("@Ada echo: quick", person=world.lee)
        await world.campfire.delivered()
        gate.release()
        await server.settled()
        assert world.said_by(world.ada) == ["alone", "@Kim slow", "@Lee quick"]
        assert await world.ask("@Ada echo: alone again") == "alone again"


async def test_one_person_in_a_direct_room(tmp_path: Path) -> None:
    """There is nobody else, however fast that person writes."""
    async with open_world(tmp_path) as world, world.serving() as server:
        for number in range(3):
            await world.say(f"echo: {number}", room=world.direct, mention=())
        await server.settled()
        assert world.said_by(world.ada, world.direct) == ["0", "1", "2"]


@pytest.mark.parametrize("how", ["always", "unclear"])
async def test_a_bot_is_never_mentioned(tmp_path: Path, how: str) -> None:
    """A mention would call it; so Bo, who speaks to Ada, hears nothing."""
    async with open_world(tmp_path) as world:
        naming(world, how)
        world.write_bot("bo")
        async with world.serving() as server:
            await world.campfire.say(world.room, world.bo, "@Ada echo: hi", mention=[world.ada])
            await world.campfire.delivered()
            await world.ask("@Ada echo: done")
            await server.settled()
            everything = world.campfire.room(world.room).messages
            by_ada = [m for m in everything if m.creator.id == world.ada.id]
            assert all(world.bo.id not in mentioned_ids(m.html or "") for m in by_ada)
            assert {delivery.bot_id for delivery in world.campfire.deliveries} == {world.ada.id}


async def test_a_mention_that_may_have_arrived_is_found(tmp_path: Path) -> None:
    """The history shows a name where the post had none; the part is known by its other words."""
    async with open_world(tmp_path) as world:
        naming(world, "always")
        async with world.serving() as server:
            world.campfire.drop_after_accept()
            await world.ask("@Ada echo: once")
            assert await server.settled() == {"accepted": 1, "answered": 1}
            assert world.said_by(world.ada) == ["@Kim once"]
