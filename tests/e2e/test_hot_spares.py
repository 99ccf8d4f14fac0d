"""Spares: a new room finds its child booted."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from bot.testing.campfire.directory import Room
from bot.testing.model import Gate, hold
from tests import guards
from tests.e2e.watching import scrape
from tests.e2e.world import Running, World, open_world

ONE_SPARE = {"HEARTH_SPARES": "1"}


async def ready(server: Running, spares: int) -> dict[str, Any]:
    """Wait until so many spares are ready, and no other child is; return the statistics."""
    page: dict[str, Any] = await server.until(
        "/session/stats",
        lambda page: page["spares"] == spares and len(guards.children()) == spares + page["hot"],
    )
    return page


def another_room(world: World, name: str) -> Room:
    """Return a room in which nobody has said anything."""
    return world.campfire.add_room(name, members=[world.kim, world.ada])


async def at_rest(server: Running) -> dict[str, Any]:
    """Wait until no session is in use any more; return the statistics."""
    page: dict[str, Any] = await server.until(
        "/session/stats", lambda page: not any(row["busy"] for row in page["sessions"])
    )
    return page


async def test_a_new_room_takes_a_spare(tmp_path: Path) -> None:
    """Its child was there before the message; another spare boots for the next room."""
    async with open_world(tmp_path) as world, world.serving(ONE_SPARE) as server:
        await ready(server, 1)
        (spare,) = guards.children()
        assert "Kim" in await world.ask("@Ada my name is Kim")
        page = await ready(server, 1)
        assert page["hits"] == {"spare": 1}
        (session,) = page["sessions"]
        assert (session["last_path"], session["state"], session["turns"]) == ("spare", "hot", 1)
        assert spare in guards.children()
        assert "Kim" in await world.ask("@Ada what is my name?")
        (file,) = world.session_files()
        assert json.loads(file.read_text())["session_id"] == session["session_id"]
        assert [path.stem for path in world.transcripts()] == [session["session_id"]]
        assert (await scrape(server))['hearth_seats_total{path="spare"}'] == 1


async def test_a_spare_knows_no_room(tmp_path: Path) -> None:
    """Nothing of one room's is in the next one's child; over a restart each has its own memory."""
    async with open_world(tmp_path) as world:
        other = another_room(world, "Garden")
        async with world.serving(ONE_SPARE) as server:
            await ready(server, 1)
            await world.ask("@Ada remember: the tea is cold")
            await ready(server, 1)
            question = "@Ada what did I ask you to remember?"
            assert "nothing" in await world.ask(question, room=other)
            assert (await server.get("/session/stats"))["hits"]["spare"] == 2
        async with world.serving(ONE_SPARE):
            assert "the tea is cold" in await world.ask(question)
            assert "nothing" in await world.ask(question, room=other)


async def test_a_spare_goes_when_a_room_needs_its_place(tmp_path: Path) -> None:
    """With memory for two, the spare goes for a second room; no room loses its conversation."""
    async with open_world(tmp_path) as world:
        world.write_bot("bo")
        settings = {**ONE_SPARE, "HEARTH_MEMORY_BUDGET": "420MiB"}
        async with world.serving(settings) as server:
            await ready(server, 2)
            before = guards.children()
            said = await world.say("@Bo echo: one", mention=[world.bo])
            await world.answer(said, by=world.bo)
            others = [another_room(world, name) for name in ("Garden", "Kitchen")]
            for other in others:
                assert await world.ask("@Ada echo: two", room=other) == "two"
            page = await server.get("/session/stats")
            assert page["memory_bytes"] <= 420 * 2**20
            assert page["evicted"] <= 1
            assert page["hits"]["spare"] >= 2
            assert before & guards.children()
            assert await server.settled() == {"accepted": 3, "answered": 3}


async def test_a_spare_goes_before_a_room_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With places for a spare and a room, another room takes the spare's; the next the oldest's."""
    monkeypatch.setattr("bot.app._CHILDREN_S", 3600.0)  # whoever makes room is the room that comes
    async with open_world(tmp_path) as world:
        rooms = [another_room(world, name) for name in ("Garden", "Kitchen", "Hall")]
        async with world.serving():
            for room in rooms:  # who is resumed has no use for a spare
                await world.ask("@Ada my name is Kim", room=room)
        async with world.serving({**ONE_SPARE, "HEARTH_MEMORY_BUDGET": "400MiB"}) as server:
            assert (await ready(server, 1))["hot_limit"] == 2
            seen = []
            for room in rooms:
                assert "Kim" in await world.ask("@Ada what is my name?", room=room)
                page = await at_rest(server)
                hot = {row["room"] for row in page["sessions"] if row["state"] == "hot"}
                seen.append((page["spares"], page["evicted"], hot))
            first, second, third = (str(room.id) for room in rooms)
            assert seen == [(1, 0, {first}), (0, 0, {first, second}), (0, 1, {second, third})]
            assert page["hits"] == {"warm": 3}


async def test_a_changed_file_replaces_the_spares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once; the next new room is answered as the new file says, by a spare of it."""
    monkeypatch.setattr("bot.app._CHILDREN_S", 3600.0)  # the look at all children is not needed
    async with open_world(tmp_path) as world, world.serving(ONE_SPARE) as server:
        await ready(server, 1)
        (old,) = guards.children()
        path = world.bots_dir / "ada.toml"
        path.write_text(path.read_text().replace("You are Ada.", "You are Ada, a pirate."))
        await server.until("/session/stats", lambda _: old not in guards.children())
        await ready(server, 1)
        await world.ask("@Ada hello")
        assert "a pirate" in json.dumps(world.model.requests[-1].body["system"])
        assert (await server.get("/session/stats"))["hits"].keys() <= {"spare", "cold"}
        assert old not in guards.children()


async def test_a_removed_bot_keeps_no_spare(tmp_path: Path) -> None:
    """Its children go with its file."""
    async with open_world(tmp_path) as world:
        bo = world.write_bot("bo")
        async with world.serving(ONE_SPARE) as server:
            await ready(server, 2)
            bo.unlink()
            await ready(server, 1)


async def test_a_dead_spare_is_replaced(tmp_path: Path) -> None:
    """A new room never finds it; the next one boots after a moment."""
    async with open_world(tmp_path) as world, world.serving(ONE_SPARE) as server:
        await ready(server, 1)
        (spare,) = guards.children()
        os.kill(spare, signal.SIGKILL)
        await server.until("/session/stats", lambda page: page["died"] == 1)
        assert await world.ask("@Ada echo: still here") == "still here"
        await ready(server, 1)
        assert await server.settled() == {"accepted": 1, "answered": 1}


async def test_spares_wait_for_what_is_owed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart the room that waits has its child first; a spare comes after its answer."""
    monkeypatch.setattr("bot.sessions.sessions._SPARES_LATEST_S", 3600.0)
    async with open_world(tmp_path) as world:
        gate = Gate()
        world.model.script("the tea", hold(gate))
        async with world.serving({"HEARTH_GRACE": "0s"}) as server:
            await world.ask("@Ada my name is Kim")
            said = await world.say("@Ada echo: the tea is cold")
            await gate.reached(1)
            server.stop.set()
        async with world.serving(ONE_SPARE) as server:
            await gate.reached(2)
            page = await server.get("/session/stats")
            assert (page["boots"], page["spares"]) == (1, 0)
            gate.release()
            assert await world.answer(said) == "the tea is cold"
            page = await ready(server, 1)
            assert page["boots"] == 2


async def test_spares_leave_nothing_behind(tmp_path: Path) -> None:
    """Neither a stop in order nor a crash lets their folders pile up."""
    async with open_world(tmp_path) as world:
        async with world.serving(ONE_SPARE) as server:
            await ready(server, 1)
        work = world.cache / "work" / "ada"
        assert list(work.iterdir()) == []
        left = work / "0b0f3c6e-3f0e-4c55-9f5e-1d9fb0f0a9a1"
        left.mkdir()  # as a crash leaves it
        async with world.serving():
            assert not left.exists()
