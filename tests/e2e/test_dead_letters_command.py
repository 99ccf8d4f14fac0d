"""``hearth dead-letters``: beside a running server, and without one."""

import asyncio
import json
import os
import re
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.journal import open_journal
from bot.records import Message, MessageKind, Outcome, Person
from tests.e2e.process import ROOT, ServerProcess, serving_apart
from tests.e2e.world import ADMIN_TOKEN, World, open_world
from tests.journal.engines import LANE, said

#: What a person may call himself, and say: none of it may reach the operator's terminal.
EVIL = "Kim\x1b[2J[bold]\u202e"


async def command(
    environ: Mapping[str, str], *words: str, home: Path
) -> tuple[int | None, str, str]:
    """Run ``python -m bot dead-letters …``; return its exit status and what it says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot", "dead-letters", *words),
        cwd=ROOT,
        env={
            "PATH": os.defpath,
            "HOME": str(home),
            # Narrower than any line: none may be cut or folded, a program may read it.
            "COLUMNS": "20",
            # A proxy that nobody may be asked through: the token would go with it.
            "http_proxy": "http://127.0.0.1:9",
            **environ,
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def run(world: World, *words: str, url: str = "", **changed: str) -> tuple[Any, str, str]:
    """Run the command with the settings of the world's server, which listens at *url*."""
    environ = {**world.environ, "HEARTH_PORT": url.rpartition(":")[2] or "8000", **changed}
    return await command(environ, *words, home=world.folder)


async def give_up(cache: Path, message: Message, reason: str) -> None:
    """Leave a dead letter in the journal of a server that does not run."""
    async with open_journal(cache / "journal.db", node="test") as journal:
        await journal.accept(message, lane=LANE)
        entry = await journal.head(LANE)
        assert entry is not None
        await journal.settle(entry, outcome=Outcome.DEAD, reason=reason)


async def test_beside_a_running_server(tmp_path: Path) -> None:
    """It asks the server, which has the journal; a retry is answered at once."""
    async with open_world(tmp_path) as world, serving_apart(world) as server:
        world.campfire.fail_posts(403)
        await world.say("@Ada echo: the tea is cold")
        assert await server.settled() == {"accepted": 1, "dead": 1}
        status, out, _ = await run(world, "list", url=server.url)
        assert status == 0
        row, why = out.splitlines()
        assert re.match(
            r"1     \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ada  Watercooler \(\d\)  Kim: ", row
        )
        assert row.endswith("Kim: echo: the tea is cold")
        assert re.match(r"      \S.*\b403\b", why)
        status, out, _ = await run(world, "show", "1", url=server.url)
        assert status == 0
        assert "posts the frozen answer" in out
        assert world.said_by(world.ada) == []
        status, out, err = await run(world, "retry", "1", "7", url=server.url)
        assert (status, out) == (1, "1: the frozen answer is posted\n")
        assert err == "no message has the number 7\n"
        assert await server.settled() == {"accepted": 1, "answered": 1}
        assert world.said_by(world.ada) == ["the tea is cold"]
        assert (await run(world, "list", url=server.url))[:2] == (0, "no dead letters\n")


async def test_the_generated_token_is_found(tmp_path: Path) -> None:
    """Where no token is set, the one in the session cache opens the routes."""
    async with open_world(tmp_path) as world:
        unset = {"HEARTH_ADMIN_TOKEN": ""}
        async with serving_apart(world, unset) as server:
            listed = await run(world, "list", "--json", url=server.url, **unset)
            assert listed == (0, '{"dead_letters": [], "before": null}\n', "")


async def test_without_a_server(tmp_path: Path) -> None:
    """It opens the journal itself; what is retried is answered when the server starts."""
    async with open_world(tmp_path) as world:
        async with world.serving() as server:
            world.campfire.fail_posts(403)
            await world.say("@Ada echo: the tea is cold")
            await server.settled()
        status, out, err = await run(world, "list", "--json")
        assert (status, err) == (0, "")
        (row,) = json.loads(out)["dead_letters"]
        assert (row["author"], row["first_line"]) == ("Kim", "echo: the tea is cold")
        status, out, _ = await run(world, "retry", str(row["seq"]))
        assert (status, out) == (0, "1: the frozen answer is posted when the server starts\n")
        assert (await run(world, "retry", "1"))[0] == 1
        async with world.serving() as server:
            assert await server.settled() == {"accepted": 1, "answered": 1}
        assert world.said_by(world.ada) == ["the tea is cold"]


async def test_a_dropped_one(tmp_path: Path) -> None:
    """It leaves the list, can be shown, and is no error to drop twice."""
    environ = {"HEARTH_SESSION_CACHE": str(tmp_path)}
    await give_up(tmp_path, said(), "302")
    for _ in range(2):
        dropped = await command(environ, "drop", "1", home=tmp_path)
        assert dropped == (0, "1: dropped\n", "")
    assert (await command(environ, "list", home=tmp_path))[1] == "no dead letters\n"
    status, out, _ = await command(environ, "show", "1", home=tmp_path)
    assert status == 0
    assert "dropped" in out


async def test_what_was_said_is_only_text(tmp_path: Path) -> None:
    """A name or a text in a terminal's language does nothing there; a reason holds no key."""
    environ = {"HEARTH_SESSION_CACHE": str(tmp_path), "HEARTH_BOTS_DIR": str(tmp_path / "none")}
    evil = replace(
        said(f"{EVIL}\nsecond line"), author=Person(id="7", name=EVIL), kind=MessageKind.TEXT
    )
    await give_up(
        tmp_path, evil, "Traceback (most recent call last):\n  at\nKeyError: 'Bearer x1y2z3'"
    )
    for words in (("list",), ("show", "1")):
        status, out, err = await command(environ, *words, home=tmp_path)
        assert (status, err) == (0, "")
        assert r"Kim\x1b[2J[bold]\u202e" in out
        assert "\x1b" not in out
        assert "KeyError: 'Bearer <secret>'" in out
    assert "second line" in out
    assert "asks the agent again" in out


async def test_what_is_not_there(tmp_path: Path) -> None:
    """1: no such message, or another end; 2: a folder without a journal, or no number at all."""
    environ = {"HEARTH_SESSION_CACHE": str(tmp_path)}
    status, _, err = await command(environ, "list", home=tmp_path)
    assert status == 2
    assert err.startswith(f"HEARTH_SESSION_CACHE: {tmp_path} holds no journal: name the folder")
    async with open_journal(tmp_path / "journal.db", node="test") as journal:
        await journal.accept(said(), lane=LANE)
    for words in (("show", "1"), ("retry", "1"), ("drop", "1"), ("show", "2")):
        status, out, err = await command(environ, *words, home=tmp_path)
        assert (status, out) == (1, "")
        assert "message 1 is no dead letter" in err or "no message has the number 2" in err
    assert (await command(environ, "show", "x", home=tmp_path))[0] == 2


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"HEARTH_ADMIN_TOKEN": "wrong"}, "HEARTH_ADMIN_TOKEN: is not the one that the server at"),
        ({"HEARTH_ADMIN_TOKEN": ""}, "HEARTH_ADMIN_TOKEN: is not set, and"),
        ({"HEARTH_PORT": "0"}, "HEARTH_PORT: is 0: name the port"),
        ({"HEARTH_PRT": "1"}, 'HEARTH_PRT: is not a setting (did you mean "HEARTH_PORT"?)'),
    ],
)
async def test_settings_that_do_not_fit(
    tmp_path: Path, changed: dict[str, str], sentence: str
) -> None:
    """They are not the running server's: a sentence says which, and never a token."""
    async with open_world(tmp_path) as world, serving_apart(world) as server:
        port = {"HEARTH_PORT": server.url.rpartition(":")[2]}
        environ = {**world.environ, **port, **changed}
        status, out, err = await command(environ, "list", home=tmp_path)
        assert (status, out) == (2, "")
        assert sentence in err
        assert ADMIN_TOKEN not in err
        assert not world.cache.joinpath("admin.token").exists()


async def test_another_port(tmp_path: Path) -> None:
    """Where nobody listens, or something else does, the command says what it tried."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    async with open_world(tmp_path) as world, serving_apart(world):
        status, _, err = await run(world, "list", HEARTH_PORT=port)
        assert status == 2
        assert f"HEARTH_PORT: nothing answers at http://127.0.0.1:{port} (" in err
        chat = world.campfire.url.rpartition(":")[2]
        status, _, err = await run(world, "list", HEARTH_PORT=chat)
        assert status == 1
        assert f"the server at http://127.0.0.1:{chat} answered" in err


async def test_the_way_is_free_again_after_a_kill(tmp_path: Path) -> None:
    """The kernel gives the journal back; nobody has to remove a lock."""
    async with open_world(tmp_path) as world:
        async with serving_apart(world) as server:
            await kill(server)
        assert await run(world, "list") == (0, "no dead letters\n", "")


async def kill(server: ServerProcess) -> None:
    """End the server as the kernel does."""
    server.signal(signal.SIGKILL)
    await server.ended()
