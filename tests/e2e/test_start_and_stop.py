"""The edges of a server's life: what arrives while it starts, what waits when it stops."""

import asyncio
import json
import signal
import socket
import sqlite3
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.errors import AgentMissing
from bot.testing.campfire import Message
from bot.testing.model import Gate, hold
from tests.e2e.process import serving_apart, start_in_vain
from tests.e2e.watching import Log
from tests.e2e.world import World, open_world

#: Where a start meets the full disk first: in all it writes, or after the journal was opened.
_FULL = {
    "all": "flag.touch()",
    "the first commit": "Journal.take_rooms = full(Journal.take_rooms)",
    "the start script": "Agent.prepare = full(Agent.prepare)",
}
_FILLED = """
import os
from pathlib import Path
from bot.agent.agent import Agent
from bot.journal.journal import Journal
from tests.chaos.full_disk import flag_of, install
install({folder!r})
flag = flag_of(Path({folder!r}), os.getpid())
def full(step):
    def filled(*arguments):
        flag.touch()
        return step(*arguments)
    return filled
"""


def a_free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def say_as_soon_as_it_listens(world: World, port: int) -> tuple[Message, float]:
    """Have Kim say something at the first moment at which it can be delivered; return when."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            continue
        writer.close()
        return await world.say("@Ada echo: the tea is cold"), time.time()


async def test_what_is_delivered_during_the_start_waits(tmp_path: Path) -> None:
    """The port is open long before the server is: a delivery is taken late, and not refused."""
    port = a_free_port()
    async with open_world(tmp_path) as world, asyncio.TaskGroup() as group:
        world.call(f"http://127.0.0.1:{port}")
        saying = group.create_task(say_as_soon_as_it_listens(world, port), name="Kim")
        async with serving_apart(world, {"HEARTH_PORT": str(port)}) as server:
            said, at = await saying
            started = (await server.logged("started"))["timestamp"]
            assert at < datetime.fromisoformat(started).timestamp()
            assert "the tea is cold" in await world.answer(said)
            assert [delivery.status for delivery in world.campfire.deliveries] == [204]


async def test_an_agent_that_is_not_the_one_we_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server looks at the child before it serves, and says plainly what is missing."""
    child = tmp_path / "claude"
    child.write_text("#!/bin/sh\n[ $1 = --help ] && echo --bare --resume || echo 1.2.3\n")
    child.chmod(0o755)
    child.with_name("claude.version").write_text("1.2.3\n")
    monkeypatch.setattr("bot.agent.agent.bundled_child", lambda: child)
    async with open_world(tmp_path) as world:
        with pytest.RaisesGroup(
            pytest.RaisesExc(
                AgentMissing,
                match=r"^the child 1\.2\.3 does not know --verbose, .*--disable-slash-commands, ",
            ),
            flatten_subgroups=True,
        ):
            async with world.serving():
                pytest.fail("it must not serve")


async def test_what_is_settled_is_kept_for_its_time(tmp_path: Path, log: Log) -> None:
    """After that neither question nor answer is on the disk; the equation still has them."""
    async with open_world(tmp_path) as world:
        async with world.serving() as server:
            await world.ask("@Ada echo: the tea is cold")
            assert await server.settled() == {"accepted": 1, "answered": 1}
        age_by(timedelta(days=31), world)
        # Else the message, which is no older in the chat, would be taken for one that was missed.
        async with world.serving({"HEARTH_CATCH_UP": "0s"}) as server:
            expired = await log.until("journal_expired")
            assert (expired["messages"], expired["exchanges"]) == (1, 1)
            await log.until("sessions_expired")
            assert await server.settled() == {"accepted": 1, "answered": 1}
        kept = [path for path in world.cache.rglob("*") if path.is_file()]
        assert [path for path in kept if b"tea is cold" in path.read_bytes()] == []


def age_by(age: timedelta, world: World) -> None:
    """Make all that a stopped server has kept so much older."""
    for path in world.session_files():
        session = json.loads(path.read_text())
        session["last_used"] = (datetime.fromisoformat(session["last_used"]) - age).isoformat()
        path.write_text(json.dumps(session))
    with sqlite3.connect(world.cache / "journal.db") as db:
        for table in ("inbox", "history"):
            db.execute(f"UPDATE {table} SET settled_at = settled_at - ?", (age.total_seconds(),))  # noqa: S608 -- one of two names
    db.close()


async def test_a_stop_does_not_wait_for_an_outage(tmp_path: Path) -> None:
    """A reply that waits for its next try is left to the next start, long before the grace ends."""
    async with open_world(tmp_path) as world:
        world.campfire.fail_posts(429, headers={"Retry-After": "3600"})
        async with serving_apart(world, {"HEARTH_GRACE": "50s"}) as server:
            await world.say("@Ada")
            await server.logged("post_failed")
            began = time.monotonic()
            server.signal(signal.SIGTERM)
            assert await server.ended() == 0
            assert time.monotonic() - began < 25
            assert (await server.logged("drained"))["cut_off"] == 0
        assert world.said_by(world.ada) == []


@pytest.mark.parametrize("where", list(_FULL))
async def test_a_start_on_a_full_disk(tmp_path: Path, where: str) -> None:
    """It ends with one sentence that says so; with room again, what was acknowledged is answered.

    Whoever supervises the server starts it again. What is delivered meanwhile meets a closed port.
    """
    async with open_world(tmp_path) as world:
        gate = Gate()
        world.model.script("the tea", hold(gate, after_tokens=0), times=1)
        async with serving_apart(world) as server:
            said = await world.say("@Ada echo: the tea is cold")
            await gate.reached()
            server.signal(signal.SIGKILL)
            await server.ended()
        fault = _FILLED.format(folder=str(tmp_path)) + _FULL[where]
        status, words = await start_in_vain(world, fault=fault)
        sentences = [line for line in words if not line.startswith("{")]
        assert status == 1
        assert len(sentences) == 1, words
        assert "full" in sentences[0] or "No space left" in sentences[0]
        async with world.serving() as again:
            assert "the tea is cold" in await world.answer(said)
            assert (await again.settled()) == {"accepted": 1, "answered": 1}
