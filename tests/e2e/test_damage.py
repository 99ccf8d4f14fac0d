"""What is on the disk is damaged, or the disk takes nothing: rooms go on, nothing is said twice."""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.testing.gate import Gate
from bot.testing.model import hold
from tests.e2e.disk import Disk
from tests.e2e.process import all_gone, serving_apart
from tests.e2e.watching import Log
from tests.e2e.wire import deliver
from tests.e2e.world import PATIENCE_S, Running, World, open_world

_PAGE = 4096


def the_journal(world: World) -> Path:
    """Return the journal's file."""
    return world.cache / "journal.db"


def content(path: Path | str) -> bytes:
    """Read a file."""
    return Path(path).read_bytes()


def overwrite(path: Path, at: int, length: int) -> None:
    """Put noise into a file."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xa5" * length)


# ---- the journal ----


def _no_header(world: World) -> None:
    overwrite(the_journal(world), 0, _PAGE)


def _no_index(world: World) -> None:
    with closing(sqlite3.connect(the_journal(world))) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        wanted = "SELECT rootpage FROM sqlite_schema WHERE name = 'inbox_open'"
        (page,) = db.execute(wanted).fetchone()
    overwrite(the_journal(world), (page - 1) * _PAGE, _PAGE)


def _cut_log(world: World) -> None:
    path = world.cache / "journal.db-wal"
    overwrite(path, 32 + 24 + 100, 200)
    assert path.stat().st_size > 10 * _PAGE


@pytest.mark.parametrize("spoil", [_no_header, _no_index, _cut_log])
async def test_what_was_acknowledged_survives_a_damaged_journal(
    tmp_path: Path, spoil: Callable[[World], None]
) -> None:
    """A message that was open is answered after the restart; an answered one is not again."""
    async with open_world(tmp_path) as world:
        gate = Gate()
        world.model.script("the milk", hold(gate, after_tokens=1), times=1)
        async with serving_apart(world) as server:
            await world.ask("@Ada remember: the tea is cold")
            said = await world.say("@Ada echo: the milk is sour")
            await gate.reached()
            server.signal(signal.SIGKILL)
            await server.ended()
        gate.release()
        spoil(world)
        before = content(the_journal(world))
        async with serving_apart(world) as server:
            assert "the milk is sour" in await world.answer(said)
            assert "tea" in await world.ask("@Ada what did I ask you to remember?")
            damaged, recovered = [
                await server.logged(event) for event in ("journal_damaged", "journal_recovered")
            ]
            assert damaged["level"] == recovered["level"] == "error"
            assert recovered["inbox"] == 2
            assert await server.settled() == {"accepted": 3, "answered": 3}
        assert len(world.said_by(world.ada)) == 3
        assert damaged["kept_as"] == recovered["kept_as"]
        assert content(damaged["kept_as"]) == before
        assert world.campfire.violations == ()


async def readiness(server: Running) -> int:
    """Return what a load balancer would see."""
    return (await server.request("GET", "/ready")).status_code


async def until_ready(server: Running) -> None:
    """Wait until it is: a look at the journal is good for a second."""
    async with asyncio.timeout(PATIENCE_S):
        while await readiness(server) != 200:
            pass


async def test_damage_that_shows_in_use(tmp_path: Path, log: Log) -> None:
    """Nothing is acknowledged any more, the operator is told, and a restart gets over it."""
    async with open_world(tmp_path) as world:
        async with world.serving():
            await world.ask("@Ada remember: the tea is cold")
        path = the_journal(world)
        before = path.stat()
        overwrite(path, _PAGE, _PAGE)  # the root of all messages
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # nobody wrote: it decayed
        async with world.serving() as server:
            said, delivery = await deliver(world, server)
            assert (delivery.status, delivery.content_type) == (503, None)
            assert await readiness(server) == 503
            told = await log.until("journal_found_damaged")
            assert (told["level"], "restart" in told["cure"]) == ("error", True)
            assert (await deliver(world, server))[1].status == 503
        async with world.serving() as server:
            assert await readiness(server) == 200
            again = await world.campfire.redeliver(
                said, world.campfire.change_webhook(world.ada, f"{server.url}/webhook/ada")
            )
            assert again is not None
            assert again.status == 204
            await world.answer(said)
            # The other one may be caught up with, if it is not known as read, and come in between.
            before = len(world.said_by(world.ada))
            await world.say("@Ada what did I ask you to remember?")
            await world.campfire.wait_until(
                lambda _: any("tea" in text for text in world.said_by(world.ada)[before:]),
                timeout_s=PATIENCE_S,
            )
            equation = await server.settled()
        assert set(equation) == {"accepted", "answered"}
        assert log.find("journal_recovered")
        assert world.campfire.violations == ()


# ---- sessions ----


def _session(world: World) -> Path:
    (path,) = world.session_files()
    return path


def _half_a_session_file(world: World) -> None:
    text = _session(world).read_text()
    _session(world).write_text(text[: len(text) // 2])


def _of_another_room(world: World) -> None:
    written = json.loads(_session(world).read_text())
    _session(world).write_text(json.dumps(written | {"room_id": 999}))


def _a_transcript_cut_in_a_line(world: World) -> None:
    (path,) = world.transcripts()
    lines = path.read_bytes().rstrip()
    path.write_bytes(lines[: lines.rindex(b"\n") + 20])


def _noise_in_the_transcript(world: World) -> None:
    (path,) = world.transcripts()
    lines = path.read_bytes().splitlines()
    middle = len(lines) // 2
    path.write_bytes(b"\n".join([*lines[:middle], b"\x00\xff{[", *lines[middle + 1 :], b""]))


def _another_sessions_transcript(world: World) -> None:
    (path,) = world.transcripts()
    other = "11111111-1111-4111-8111-111111111111"
    path.write_text(path.read_text().replace(path.stem, other))


def _no_config_folder(world: World) -> None:
    shutil.rmtree(world.cache / "agent" / "ada")


def _no_working_directory(world: World) -> None:
    shutil.rmtree(world.cache / "work")


def _garbage_as_settings(world: World) -> None:
    (world.cache / "agent" / "ada" / ".claude.json").write_bytes(b"\x00\xff{ not JSON")


def _half_the_settings(world: World) -> None:
    path = world.cache / "agent" / "ada" / ".claude.json"
    path.write_bytes(path.read_bytes()[:-20])


def _a_list_as_settings(world: World) -> None:
    (world.cache / "agent" / "ada" / ".claude.json").write_text("[1, 2]")


@pytest.mark.parametrize(
    "spoil",
    [
        _half_a_session_file,
        _of_another_room,
        _a_transcript_cut_in_a_line,
        _noise_in_the_transcript,
        _another_sessions_transcript,
        _no_config_folder,
        _no_working_directory,
        _garbage_as_settings,
        _half_the_settings,
        _a_list_as_settings,
    ],
)
async def test_a_room_survives_what_happens_to_its_session(
    tmp_path: Path, spoil: Callable[[World], None]
) -> None:
    """It goes on, from the session or from a recap; the next restart finds all in order."""
    async with open_world(tmp_path) as world:
        async with world.serving():
            await world.ask("@Ada remember: the tea is cold")
            await world.ask("@Ada echo: the milk is sour")
        spoil(world)
        async with world.serving() as server:
            assert "the tea is cold" in await world.ask("@Ada repeat the whole prompt")
            assert await server.settled() == {"accepted": 3, "answered": 3}
        async with world.serving() as server:
            await world.ask("@Ada hello")
            (session,) = (await server.get("/session/stats"))["sessions"]
            assert session["last_path"] == "warm"
            assert await server.settled() == {"accepted": 4, "answered": 4}
        assert world.campfire.violations == ()


# ---- what a dead server left behind ----

#: A machine without `setpriv`: its children live on in their turn.
_NO_SETPRIV = """
from bot.agent import launch
launch._TOOLS = (("setsid", ""),)
"""


async def test_a_child_that_outlived_its_server(tmp_path: Path) -> None:
    """It is ended at the next start, before its session is taken up again."""
    async with open_world(tmp_path) as world:
        gate = Gate()
        world.model.script("the milk", hold(gate, after_tokens=1), times=1)
        async with serving_apart(world, fault=_NO_SETPRIV) as server:
            said = await world.say("@Ada echo: the milk is sour")
            await gate.reached()
            children = server.children()
            server.signal(signal.SIGKILL)
            await server.ended()
        assert children
        assert not all_gone(children, within_s=0.5)
        async with serving_apart(world, fault=_NO_SETPRIV) as server:
            found = await server.logged("orphans_ended")
            assert (found["ended"] >= 1, found["left"]) == (True, 0)
            assert all_gone(children, within_s=0.0)
            assert "the milk is sour" in await world.answer(said)
            assert await server.settled() == {"accepted": 1, "answered": 1}
        gate.release()
        assert len(world.said_by(world.ada)) == 1


# ---- the disk ----

FULL = "database or disk is full"
READ_ONLY = "attempt to write a readonly database"


@pytest.mark.parametrize("words", [FULL, READ_ONLY])
async def test_a_disk_that_takes_nothing(tmp_path: Path, log: Log, disk: Disk, words: str) -> None:
    """What was acknowledged stays and is answered when the disk works again, without a restart."""
    async with open_world(tmp_path) as world, world.serving() as server:
        gate = Gate()
        world.model.script("the tea", hold(gate), times=1)
        first = await world.say("@Ada echo: the tea is cold")
        await world.say("@Ada echo: the milk is sour")
        await gate.reached()
        with disk.breaking(words):
            gate.release()
            why = (await log.until("journal_unavailable"))["why"]
            assert words in why
            _, delivery = await deliver(world, server, text="@Ada echo: lost")
            assert (delivery.status, delivery.content_type) == (503, None)
            assert await readiness(server) == 503
            assert world.said_by(world.ada) == []
            equation = (await server.get("/queue/stats"))["messages"]
            assert (equation["accepted"], equation["open"], equation["balanced"]) == (2, 2, True)
        assert await server.settled() == {"accepted": 2, "answered": 2}
        assert "the tea is cold" in await world.answer(first)
        tea, milk = world.said_by(world.ada)
        assert ("tea" in tea, "milk" in milk) == (True, True)
        asked = [turn for request in world.model.requests for turn in request.turns[-1:]]
        assert sum("the tea" in turn for turn in asked) == 1  # its answer was in the transcript
        await until_ready(server)


async def test_a_reply_posted_while_the_disk_was_full(tmp_path: Path, log: Log, disk: Disk) -> None:
    """It is recorded once the disk works again, and never posted twice; not by a restart either."""
    async with open_world(tmp_path) as world:
        async with world.serving() as server:
            gate = Gate()
            world.campfire.slow_posts(gate)
            said = await world.say("@Ada echo: the tea is cold")
            await gate.reached()
            with disk.breaking(FULL):
                gate.release()
                assert "the tea is cold" in await world.answer(said)
                await log.until("journal_unavailable")
                assert (await server.get("/queue/stats"))["messages"]["open"] == 1
            assert await server.settled() == {"accepted": 1, "answered": 1}
        async with world.serving() as server:
            assert await server.settled() == {"accepted": 1, "answered": 1}
            await world.ask("@Ada hello")
        assert len(world.said_by(world.ada)) == 2
        assert log.find("part_repeated") == []
        assert log.find("part_found") == [], "nobody had to look: the turn has seen it arrive"


async def test_a_server_stopped_while_the_disk_is_full(
    tmp_path: Path, log: Log, disk: Disk
) -> None:
    """What was posted and not recorded is found in the room's history at the next start."""
    async with open_world(tmp_path) as world:
        gate = Gate()
        world.campfire.slow_posts(gate)
        async with world.serving({"HEARTH_GRACE": "1s"}):
            said = await world.say("@Ada echo: the tea is cold")
            await gate.reached()
            disk.broken, disk.words = True, FULL
            gate.release()
            await world.answer(said)
            await log.until("journal_unavailable")
        disk.broken = False
        async with world.serving() as server:
            assert await server.settled() == {"accepted": 1, "answered": 1}
        assert len(world.said_by(world.ada)) == 1
        assert log.find("part_found")
