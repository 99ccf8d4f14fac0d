"""Many rooms at once: who boots when, who waits for it, and for whom a place is kept."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests import guards
from tests.e2e.test_hot_memory import rooms_of
from tests.e2e.world import open_world


def began(pid: int) -> int:
    """Return when a process began, in the kernel's ticks."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def session_of(pid: int) -> str:
    """Return the session of a child, after which its working directory is named."""
    return Path(f"/proc/{pid}/cwd").readlink().name


def opening_ahead() -> bool:
    """Whether rooms of yesterday are still being opened."""
    return any(task.get_name() == "open ahead" for task in asyncio.all_tasks())


async def test_rooms_of_a_burst_boot_in_the_order_of_their_coming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One at a time on one processor; a room whose child is open is answered all the while."""
    monkeypatch.setattr("bot.agent.agent.processors", lambda: 1)
    async with open_world(tmp_path, workers=8) as world, world.serving() as server:
        hot, *rooms = rooms_of(world, 5)
        await world.ask("@Ada my name is Kim", room=hot)
        before = guards.children()
        said = [await world.say("@Ada echo: 0", room=rooms[0])]
        await server.until("/session/stats", lambda _: bool(guards.children() - before))
        (first,) = guards.children() - before
        os.kill(first, signal.SIGSTOP)
        for number, room in enumerate(rooms[1:], start=1):
            said.append(await world.say(f"@Ada echo: {number}", room=room))
            await server.until(
                "/session/stats", lambda page, number=number: page["boots_waiting"] == number
            )
        assert "Kim" in await world.ask("@Ada what is my name?", room=hot)
        page = await server.get("/session/stats")
        assert (page["boots_waiting"], guards.children() - before) == (3, {first})
        os.kill(first, signal.SIGCONT)
        assert [await world.answer(one) for one in said] == ["0", "1", "2", "3"]
        rows = (await server.get("/session/stats"))["sessions"]
        rooms_by_session = {row["session_id"]: row["room"] for row in rows}
        children = sorted(guards.children() - before, key=began)
        booted = [rooms_by_session[session_of(child)] for child in children]
        assert booted == [str(room.id) for room in rooms]


async def test_rooms_of_yesterday_leave_a_place(tmp_path: Path) -> None:
    """As many as the budget holds are opened ahead, but one: a new room takes nobody's place."""
    async with open_world(tmp_path) as world:
        *rooms, new = rooms_of(world, 5)
        async with world.serving():
            for room in rooms:
                await world.ask("@Ada my name is Kim", room=room)
        settings = {"HEARTH_WARM_ROOMS": "4", "HEARTH_MEMORY_BUDGET": "480MiB"}
        async with world.serving(settings) as server:
            await server.until("/session/stats", lambda page: page["hot"] and not opening_ahead())
            page = await server.get("/session/stats")
            hot = [row["room"] for row in page["sessions"] if row["state"] == "hot"]
            assert 0 < len(hot) < len(rooms)
            assert set(hot) == {str(room.id) for room in rooms[-len(hot) :]}
            assert page["memory_bytes"] <= page["memory_budget_bytes"] == 480 * 2**20
            assert await world.ask("@Ada echo: hello", room=new) == "hello"
            page = await server.get("/session/stats")
            assert (page["evicted"], page["hot"]) == (0, len(hot) + 1)
            assert page["memory_bytes"] <= page["memory_budget_bytes"]
