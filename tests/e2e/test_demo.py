"""``hearth demo``: the whole thing on one machine, without an account and without a key."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from bot.cli.demo import open_stage, serving
from bot.testing.model import open_model
from tests import guards
from tests.e2e.process import ROOT, all_gone
from tests.e2e.world import PATIENCE_S

_CANARY = "sk-the-operators-own-key"


@asynccontextmanager
async def demo(
    home: Path, *options: str, environ: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run ``python -m bot demo`` with an environment from nothing."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot", "demo", *options),
        cwd=home,
        env={
            "PATH": os.defpath,
            "HOME": str(home),
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "200",
            **(environ or {}),
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_the_talk_is_held_and_ends(tmp_path: Path) -> None:
    """Ada remembers Kim over a restart, the exit status says so, and nobody's key is used."""
    state = tmp_path / "state"
    async with open_model() as elsewhere:
        environ = {"ANTHROPIC_API_KEY": _CANARY, "ANTHROPIC_BASE_URL": elsewhere.url}
        async with demo(tmp_path, "--talk", "--state", str(state), environ=environ) as process:
            out, err = await process.communicate()
        assert (process.returncode, err.decode()) == (0, "")
        assert elsewhere.requests == elsewhere.other_requests == ()
    lines = out.decode().splitlines()
    spoken = [line.split("  (")[0].strip() for line in lines]
    assert spoken == [
        "Kim  @Ada my name is Kim",
        "Ada  Nice to meet you, Kim!",
        "Kim  @Ada what is my name?",
        "Ada  Your name is Kim.",
        "the server is restarted",
        "Kim  @Ada what is my name?",
        "Ada  Your name is Kim.",
        "she still knows",
    ]
    assert _CANARY not in out.decode()
    kept = [path for path in state.rglob("*") if path.is_file() and not path.is_symlink()]
    assert kept
    assert not any(_CANARY.encode() in path.read_bytes() for path in kept)


async def test_the_operators_key_does_not_reach_the_child(tmp_path: Path) -> None:
    """Without `--real`, the child has a key that is none."""
    environ = {"ANTHROPIC_API_KEY": _CANARY, "ADA_BOT_KEY": _CANARY}
    async with open_stage(tmp_path, real=False, port=0, environ=environ) as stage, serving(stage):
        said = await stage.campfire.say(stage.rooms[0], stage.kim, "@Ada hi", mention=[stage.ada])
        await stage.campfire.answer_to(said, by=stage.ada, timeout_s=PATIENCE_S)
        children = guards.children()
        assert children
        for child in children:
            assert b"ANTHROPIC_API_KEY=a-key-for-the-stand-in\0" in environment_of(child)
            assert _CANARY.encode() not in environment_of(child)


def environment_of(process: int) -> bytes:
    """Return what a process was started with."""
    return Path(f"/proc/{process}/environ").read_bytes()


async def test_a_talk_that_goes_wrong_says_so(tmp_path: Path) -> None:
    """What Ada did not know is named, and the exit status is another one."""
    bots = tmp_path / "state" / "bots.d"
    bots.mkdir(parents=True)
    (bots / "ada.toml").write_text(
        'name = "Ada"\nplatform = "campfire"\nkey = { env = "ADA_BOT_KEY" }\n'
        'model = "claude-sonnet-4-5"\nsystem_prompt = "You are Ada."\n'
        "[session]\nrecord = false\n"  # she remembers nothing
    )
    async with demo(tmp_path, "--talk", "--state", str(tmp_path / "state")) as process:
        out, err = await process.communicate()
    assert (process.returncode, err.decode()) == (1, "Ada's answer does not contain 'Kim'\n")
    assert "she still knows" not in out.decode()


async def test_real_asks_the_real_model_with_the_operators_key(tmp_path: Path) -> None:
    """And no stand-in of ours. The address is the operator's too, if there is one."""
    async with open_model() as real:
        environ = {"ANTHROPIC_API_KEY": _CANARY, "ANTHROPIC_BASE_URL": real.url}
        async with (
            open_stage(tmp_path, real=True, port=0, environ=environ) as stage,
            serving(stage),
        ):
            said = await stage.campfire.say(
                stage.rooms[0], stage.kim, "@Ada my name is Kim", mention=[stage.ada]
            )
            answer = await stage.campfire.answer_to(said, by=stage.ada, timeout_s=PATIENCE_S)
            assert "Kim" in answer.plain
            children = guards.children()
            assert children
            for child in children:
                assert f"ANTHROPIC_API_KEY={_CANARY}\0".encode() in environment_of(child)
        assert len(real.requests) == 1


async def test_real_needs_a_key(tmp_path: Path) -> None:
    """Without one, `--real` says so in a sentence and does nothing else."""
    async with demo(tmp_path, "--real", "--state", str(tmp_path / "state")) as process:
        out, err = await process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert err.decode() == (
        "ANTHROPIC_API_KEY: is not set; `hearth demo --real` needs a key for the real model\n"
    )
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("option", ["--port", "--state"])
async def test_an_option_that_cannot_be_followed(tmp_path: Path, option: str) -> None:
    """A port that is taken, or a folder that is none: a sentence says which option to change."""
    file = tmp_path / "file"
    file.touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        value, why, cure = {
            "--port": (
                str(port),
                "cannot be listened on: Address already in use",
                "leave it out for a free one",
            ),
            "--state": (
                str(file),
                "cannot be used: Not a directory",
                "name a folder of your own",
            ),
        }[option]
        async with demo(tmp_path, option, value) as process:
            out, err = await process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert err.decode() == f"{option}: {value} {why}; {cure}\n"


async def test_one_demo_at_a_time_in_a_folder(tmp_path: Path) -> None:
    """The second says what to do, in the demo's own words, and leaves the first alone."""
    async with demo(tmp_path) as first:
        assert first.stdout is not None
        await until_told(first.stdout)
        async with demo(tmp_path) as second:
            out, err = await second.communicate()
        assert (second.returncode, out, first.returncode) == (2, b"", None)
    folder = tmp_path / "session_cache" / "demo"
    assert err.decode() == (f"--state: another demo has {folder}: end it, or name another folder\n")


async def test_the_page_is_served_until_ctrl_c(tmp_path: Path) -> None:
    """The demo has a folder of its own, shows a page, says what is said, and ends when told."""
    async with demo(tmp_path, environ={"ANTHROPIC_API_KEY": _CANARY}) as process:
        assert process.stdout is not None
        shown = await until_told(process.stdout)
        url = re.search(r"http://127\.0\.0\.1:\d+", shown)
        assert url, shown
        assert str(tmp_path / "session_cache" / "demo") in shown
        async with httpx.AsyncClient(trust_env=False) as browser:
            page = await browser.get(url[0])
        assert (page.status_code, page.headers["content-type"][:9]) == (200, "text/html")
        assert "<title>Chat</title>" in page.text
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert (process.returncode, err.decode()) == (0, "")
    assert "Stopping" in out.decode()
    assert all_gone(frozenset({process.pid}))


async def until_told(out: asyncio.StreamReader) -> str:
    """Return what the demo prints up to the line that says how it ends."""
    shown = ""
    while "Ctrl-C" not in shown:
        line = (await out.readline()).decode()
        assert line, shown
        shown += line
    return shown
