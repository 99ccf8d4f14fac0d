"""Warm early: a session is resumed before its turn, and after a restart before its message."""

import os
import signal
from pathlib import Path

from bot.testing.model import Gate, hold
from tests import guards
from tests.e2e.world import World, open_world


async def test_a_resume_begins_before_the_turn(tmp_path: Path) -> None:
    """While another bot speaks in the room, the one that is next boots."""
    async with open_world(tmp_path) as world:
        world.write_bot("bo")
        async with world.serving():
            await world.answer(await world.say("@Ada my name is Kim"))
        async with world.serving() as server:
            gate = Gate()
            world.model.script("hold on", hold(gate), times=1)
            first = await world.say("@Bo hold on", mention=[world.bo])
            await gate.reached()
            second = await world.say("@Ada what is my name?")
            page = await server.until("/session/stats", lambda page: page["hot"] == 2)
            assert page["hits"] == {"cold": 1} or page["hits"] == {}
            children = guards.children()
            gate.release()
            await world.answer(first, by=world.bo)
            assert "Kim" in await world.answer(second)
            assert guards.children() == children
            page = await server.get("/session/stats")
            assert page["hits"] == {"cold": 1, "warm": 1}
            assert page["boots"] == 2


async def test_rooms_of_yesterday_are_open_before_their_messages(tmp_path: Path) -> None:
    """The two that were used last, after a restart; each goes on with its own memory."""
    async with open_world(tmp_path) as world:
        names = ("Garden", "Kitchen", "Cellar")
        rooms = [world.campfire.add_room(n, members=[world.kim, world.ada]) for n in names]
        async with world.serving():
            for room, name in zip(rooms, names, strict=True):
                await world.ask(f"@Ada remember: the {name} is cold", room=room)
        async with world.serving({"HEARTH_WARM_ROOMS": "2"}) as server:
            page = await server.until("/session/stats", lambda page: page["hot"] == 2)
            hot = {row["room"] for row in page["sessions"] if row["state"] == "hot"}
            assert hot == {str(room.id) for room in rooms[1:]}
            for room, name in zip(rooms[1:], names[1:], strict=True):
                answer = await world.ask("@Ada what did I ask you to remember?", room=room)
                assert name in answer
            page = await server.get("/session/stats")
            assert (page["hits"], page["boots"], page["lost"]) == ({"warm": 2}, 2, 0)


async def test_a_question_that_a_crash_cut_off_is_asked_once(tmp_path: Path) -> None:
    """Also when its room was taken up again ahead of its turn."""
    async with open_world(tmp_path) as world:
        async with world.serving({"HEARTH_GRACE": "0s"}) as server:
            await world.ask("@Ada my name is Kim")
            gate = Gate()
            world.model.script("what is my name", hold(gate), times=1)
            said = await world.say("@Ada what is my name?")
            await gate.reached()
            await world.written("what is my name")
            kill_all()
            server.stop.set()
        async with world.serving({"HEARTH_WARM_ROOMS": "4"}) as server:
            assert "Kim" in await world.answer(said)
            await server.settled()
            turns = world.model.requests[-1].turns
            assert sum("what is my name" in turn for turn in turns) == 1
            assert await asked_again(world)


async def asked_again(world: World) -> bool:
    """Ask once more; tell whether the agent still knows."""
    return "Kim" in await world.ask("@Ada what is my name?")


def kill_all() -> None:
    """End all children at once."""
    for child in guards.children():
        os.kill(child, signal.SIGKILL)
