"""Children within their memory, with something to say, and gone when the server is."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from bot.agent.conversation import Conversation
from bot.sessions.budget import Allowance
from bot.testing.campfire.directory import Room
from bot.testing.model import Gate, hold, stall
from tests import guards
from tests.e2e.process import all_gone, serving_apart
from tests.e2e.watching import scrape
from tests.e2e.world import PATIENCE_S, World, open_world


def rooms_of(world: World, count: int) -> list[Room]:
    """Return so many rooms with Kim and Ada."""
    members = [world.kim, world.ada]
    return [world.campfire.add_room(f"Room {n}", members=members) for n in range(count)]


class Scales:
    """Finds no child too large before somebody waits for it."""

    def __init__(self) -> None:
        self._found = asyncio.Semaphore(0)
        self._asked = False

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Begin."""
        outgrown = Allowance.outgrown

        def judge(allowance: Allowance, pid: int) -> bool:
            too_large = self._asked and outgrown(allowance, pid)
            if too_large:
                self._found.release()
            return too_large

        monkeypatch.setattr(Allowance, "outgrown", judge)

    async def found_too_large(self, *, times: int) -> None:
        """Wait until so many looks have found a child too large; the last may still be going on."""
        self._asked = True
        async with asyncio.timeout(PATIENCE_S):
            for _ in range(times):
                await self._found.acquire()


async def test_a_budget_of_bytes_is_kept(tmp_path: Path) -> None:
    """Rooms visited in turn: the least recently used make room, and nobody is refused."""
    budget = {"HEARTH_MEMORY_BUDGET": "400MiB"}
    async with open_world(tmp_path) as world:
        rooms = rooms_of(world, 5)
        async with world.serving(budget) as server:
            for room in rooms:
                assert await world.ask("@Ada echo: hello", room=room) == "hello"
                page = await server.get("/session/stats")
                assert page["memory_bytes"] <= page["memory_budget_bytes"] == 400 * 2**20
            hot = {row["room"] for row in page["sessions"] if row["state"] == "hot"}
            assert hot == {str(room.id) for room in rooms[-len(hot) :]}
            assert (page["evicted"], len(guards.children())) == (5 - len(hot), len(hot))
            assert await server.settled() == {"accepted": 5, "answered": 5}


async def test_a_full_machine_takes_the_older_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever it is that fills it; what was closed is resumed when it is asked."""
    full = asyncio.Event()
    pressure = "bot.sessions.budget.machine_pressure"
    monkeypatch.setattr(pressure, lambda: 0.81 if full.is_set() else 0.1)
    async with open_world(tmp_path) as world, world.serving() as server:
        rooms = rooms_of(world, 4)
        for room in rooms:
            await world.ask("@Ada my name is Kim", room=room)
        full.set()
        page = await server.until("/session/stats", lambda page: page["evicted"] > 0)
        full.clear()
        page = await server.until("/session/stats", lambda page: page["hot"] == 2)
        hot = {row["room"] for row in page["sessions"] if row["state"] == "hot"}
        assert hot == {str(room.id) for room in rooms[2:]}
        assert page["evicted"] == 2
        assert "Kim" in await world.ask("@Ada what is my name?", room=rooms[0])


async def test_a_child_over_its_limit_is_exchanged(tmp_path: Path) -> None:
    """Between two turns; the room notices nothing, and has not to wait for a boot."""
    limit = {"HEARTH_CHILD_LIMIT": "128MiB"}
    async with open_world(tmp_path) as world, world.serving(limit) as server:
        await world.ask("@Ada my name is Kim")
        old = guards.children()
        page = await server.until("/session/stats", lambda page: page["recycled"] == 1)
        page = await server.until("/session/stats", lambda page: page["hot"] == 1)
        assert not old & guards.children()
        assert "Kim" in await world.ask("@Ada what is my name?")
        page = await server.get("/session/stats")
        assert page["hits"] == {"cold": 1, "warm": 1}
        (session,) = page["sessions"]
        assert (session["recycles"], page["died"]) == (session["boots"] - 1, 0)
        counted = await scrape(server)
        assert counted["hearth_sessions_recycled_total"] >= session["recycles"] >= 1


async def test_a_child_is_not_exchanged_in_a_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However large it has grown: the answer comes first, from the child that was asked."""
    monkeypatch.setattr("bot.app._CHILDREN_S", 0.05)
    scales = Scales()
    scales.watch(monkeypatch)
    limit = {"HEARTH_CHILD_LIMIT": "128MiB"}
    async with open_world(tmp_path) as world, world.serving(limit) as server:
        await world.ask("@Ada my name is Kim")
        (old,) = guards.children()
        gate = Gate()
        world.model.script("the tea", hold(gate))
        said = await world.say("@Ada echo: the tea is cold")
        await gate.reached()
        await scales.found_too_large(times=3)
        page = await server.get("/session/stats")
        assert (page["recycled"], page["boots"], guards.children()) == (0, 1, {old})
        gate.release()
        assert await world.answer(said) == "the tea is cold"
        page = await server.until("/session/stats", lambda page: page["recycled"] == 1)
        page = await server.until("/session/stats", lambda page: page["hot"] == 1)
        assert old not in guards.children()
        assert "Kim" in await world.ask("@Ada what is my name?")
        assert len(world.model.requests) == 3
        page = await server.get("/session/stats")
        assert (page["hits"], page["died"]) == ({"cold": 1, "hot": 1, "warm": 1}, 0)
        assert await server.settled() == {"accepted": 3, "answered": 3}


async def test_a_silent_child_is_interrupted(tmp_path: Path) -> None:
    """The room is told long before the turn's own limit, and goes on with its memory."""
    async with open_world(tmp_path) as world:
        world.write_bot("ada", '[turn]\nsilence = "1s"\n')
        async with world.serving() as server:
            await world.ask("@Ada my name is Kim")
            children = guards.children()
            world.model.script("the tea", stall(after_tokens=1), times=1)
            assert "took too long" in await world.ask("@Ada echo: the tea is cold")
            assert "Kim" in await world.ask("@Ada what is my name?")
            assert guards.children() == children
            assert (await server.get("/session/stats"))["silenced"] == 0
            assert await server.settled() == {"accepted": 3, "answered": 2, "told": 1}


async def test_a_hung_child_is_killed(tmp_path: Path) -> None:
    """It does not even react to an interrupt: the room is told, and goes on with another child."""
    async with open_world(tmp_path) as world:
        world.write_bot("ada", '[turn]\nsilence = "1s"\n')
        async with world.serving() as server:
            await world.ask("@Ada my name is Kim")
            gate = Gate()
            world.model.script("the tea", hold(gate), times=1)
            said = await world.say("@Ada echo: the tea is cold")
            await gate.reached()
            (child,) = guards.children()
            os.kill(child, signal.SIGSTOP)
            assert "took too long" in await world.answer(said)
            assert "Kim" in await world.ask("@Ada what is my name?")
            assert child not in guards.children()
            page = await server.get("/session/stats")
            assert (page["silenced"], page["lost"]) == (1, 0)
            assert await server.settled() == {"accepted": 3, "answered": 2, "told": 1}


async def test_a_child_that_is_stuck_in_its_boot_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for it and no turn's limit ends it; another takes its place."""
    monkeypatch.setattr("bot.sessions.conversations._STUCK_S", 0.5)
    monkeypatch.setattr("bot.sessions.conversations._AFTER_SILENCE_S", -3600.0)
    async with open_world(tmp_path) as world, world.serving({"HEARTH_SPARES": "1"}) as server:
        await server.until("/session/stats", lambda _: bool(guards.children()))
        (stuck,) = guards.children()
        os.kill(stuck, signal.SIGSTOP)
        page = await server.until("/session/stats", lambda page: page["silenced"] == 1)
        monkeypatch.setattr("bot.sessions.conversations._STUCK_S", 300.0)
        page = await server.until("/session/stats", lambda page: page["spares"] == 1)
        assert stuck not in guards.children()
        assert page["boots"] >= 2


async def test_a_child_that_is_stuck_in_its_turn_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watchdog's end for whatever all milder means have missed: the question is asked again."""
    monkeypatch.setattr("bot.app._CHILDREN_S", 0.1)
    async with open_world(tmp_path) as world, world.serving() as server:
        await world.ask("@Ada my name is Kim")
        world.model.script("what is my name", stall(after_tokens=1), times=1)
        said = await world.say("@Ada what is my name?")
        await world.model.asked("what is my name")
        await world.written("what is my name")
        (stuck,) = guards.children()
        os.kill(stuck, signal.SIGSTOP)
        monkeypatch.setattr("bot.sessions.conversations._STUCK_S", 0.2)
        monkeypatch.setattr("bot.sessions.conversations._AFTER_SILENCE_S", -3600.0)
        await server.until("/session/stats", lambda page: page["silenced"] == 1)
        monkeypatch.setattr("bot.sessions.conversations._STUCK_S", 300.0)
        assert "Kim" in await world.answer(said)
        assert stuck not in guards.children()
        page = await server.get("/session/stats")
        assert (page["silenced"], page["lost"], page["boots"]) == (1, 0, 2)
        assert sum("what is my name" in turn for turn in world.model.requests[-1].turns) == 1
        assert await server.settled() == {"accepted": 2, "answered": 2}


async def test_when_there_is_no_place_the_room_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing can be evicted: it waits, and then it hears why; the next message is answered."""
    monkeypatch.setattr("bot.sessions.sessions._PATIENCE_S", 0.5)
    async with (
        open_world(tmp_path) as world,
        world.serving({"HEARTH_MEMORY_BUDGET": "200MiB"}) as server,
    ):
        other = rooms_of(world, 1)[0]
        gate = Gate()
        world.model.script("hold on", hold(gate), times=1)
        first = await world.say("@Ada echo: hold on")
        await gate.reached()
        assert "too many other rooms" in await world.ask("@Ada echo: hello", room=other)
        gate.release()
        assert await world.answer(first) == "hold on"
        assert await world.ask("@Ada echo: hello", room=other) == "hello"
        assert await server.settled() == {"accepted": 3, "answered": 2, "told": 1}


async def test_a_backlog_does_not_boot_a_child_for_each_message(tmp_path: Path) -> None:
    """With memory for one, two rooms with eight messages each take turns of four."""
    async with open_world(tmp_path) as world:
        rooms = rooms_of(world, 2)
        async with world.serving({"HEARTH_MEMORY_BUDGET": "200MiB"}) as server:
            gate = Gate()
            world.model.script("hold on", hold(gate), times=1)
            said = [await world.say("@Ada echo: hold on", room=rooms[0])]
            await gate.reached()
            for number in range(8):
                said += [await world.say(f"@Ada echo: {number}", room=room) for room in rooms]
            gate.release()
            for message in said:
                await world.answer(message)
            assert await server.settled() == {"accepted": 17, "answered": 17}
            assert (await server.get("/session/stats"))["boots"] <= 7
            for room in rooms:
                assert world.said_by(world.ada, room)[-8:] == [str(n) for n in range(8)]


async def test_eight_turns_end_with_the_server(tmp_path: Path) -> None:
    """After the grace all are interrupted at once; no child and no zombie is left."""
    async with open_world(tmp_path, workers=8) as world:
        rooms = rooms_of(world, 8)
        gate = Gate()
        world.model.script("hold on", hold(gate))
        async with serving_apart(world, {"HEARTH_GRACE": "500ms"}) as server:
            for room in rooms:
                await world.say("@Ada echo: hold on", room=room)
            await gate.reached(8, timeout_s=60)
            children = server.children()
            assert len(children) == 8
            before = asyncio.get_running_loop().time()
            server.signal(signal.SIGTERM)
            assert await server.ended() == 0
            assert asyncio.get_running_loop().time() - before < 6
            assert (await server.logged("drained"))["cut_off"] == 8
            assert all_gone(children, within_s=0)
        gate.release()
        written = [path.read_text() for path in world.transcripts()]
        assert ["[Request interrupted" in text for text in written] == [True] * 8


async def test_a_child_that_resists_ends_with_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its end hangs in every way there is: it is killed, and leaves no zombie."""

    async def hang(_self: Conversation) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("bot.sessions.conversations._CLOSE_S", 0.5)
    async with open_world(tmp_path) as world, world.serving() as server:
        await world.ask("@Ada my name is Kim")
        (child,) = guards.children()
        os.kill(child, signal.SIGSTOP)
        monkeypatch.setattr(Conversation, "close", hang)
        server.stop.set()
    assert child not in guards.children()
