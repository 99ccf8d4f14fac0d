"""Warm early: a session is resumed before its turn, and after a restart before its message."""

import os
import signal
from functools import partialmethod
from pathlib import Path

import pytest

from bot.agent.boots import Boots
from bot.testing.model import Gate, hold
from tests import guards
from tests.e2e.world import World, open_world

#: It is never quiet, and whoever waits for that goes on waiting.
PATIENT = {"moment_s": 3600.0, "most_wait_s": 3600.0}


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


async def test_boots_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On one processor a second room's child begins when the first one's has booted."""
    monkeypatch.setattr("bot.agent.agent.processors", lambda: 1)
    async with open_world(tmp_path, workers=2) as world, world.serving() as server:
        first = await world.say("@Ada echo: one")
        await server.until("/session/stats", lambda _: bool(guards.children()))
        (child,) = guards.children()
        os.kill(child, signal.SIGSTOP)
        second = await world.say("@Ada echo: two", room=world.direct)
        await server.until("/session/stats", lambda page: page["boots_waiting"] == 1)
        assert guards.children() == {child}
        os.kill(child, signal.SIGCONT)
        assert [await world.answer(said) for said in (first, second)] == ["one", "two"]


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


async def test_a_spare_waits_until_nobody_speaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a turn it does not boot at once; a new room that needs it does not wait for that."""
    monkeypatch.setattr(Boots, "__init__", partialmethod(Boots.__init__, **PATIENT))
    async with open_world(tmp_path) as world, world.serving({"HEARTH_SPARES": "1"}) as server:
        await server.until("/session/stats", lambda page: page["spares"] == 1)
        assert await world.ask("@Ada echo: one") == "one"
        page = await server.until("/session/stats", lambda page: page["boots_waiting"] == 1)
        assert (page["spares"], len(guards.children())) == (0, 1)
        assert await world.ask("@Ada echo: two", room=world.direct) == "two"
        page = await server.until("/session/stats", lambda page: page["boots_waiting"] == 1)
        assert (page["hits"], len(guards.children())) == ({"spare": 1, "cold": 1}, 2)


async def test_a_spare_holds_still_while_a_turn_begins(tmp_path: Path) -> None:
    """It is stopped with the message, and goes on when nothing has happened for a moment."""
    async with open_world(tmp_path) as world:
        async with world.serving():
            await world.ask("@Ada my name is Kim")
        async with world.serving({"HEARTH_SPARES": "1"}) as server:
            await server.until("/session/stats", lambda _: bool(guards.children()))
            (spare,) = guards.children()
            os.kill(spare, signal.SIGSTOP)  # it cannot have booted before the message comes
            assert "Kim" in await world.ask("@Ada what is my name?")
            page = await server.until("/session/stats", lambda page: page["spares"] == 1)
            assert (page["hits"], page["boots"]) == ({"warm": 1}, 2)
            assert spare in guards.children()
