"""Bot files that change while the server runs, and what the commands say of them."""

import asyncio
import json
import os
import socket
import sys
import tomllib
from pathlib import Path

import jsonschema

from bot.testing.model import Gate, hold
from tests.e2e.process import ROOT
from tests.e2e.watching import Log
from tests.e2e.wire import deliver
from tests.e2e.world import open_world

GOOD = """\
name = "Ada"
platform = "campfire"
key = { env = "ADA_BOT_KEY" }
model = "claude-sonnet-4-5"
system_prompt = "You are Ada."
"""
ENVIRONMENT = {
    "HEARTH_CAMPFIRE_URL": "http://127.0.0.1:9",
    "ADA_BOT_KEY": "7-AbCdEfGhIjKl",
    "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
    "ANTHROPIC_API_KEY": "sk-a-key-of-the-tests",
}


async def test_a_new_file_serves(tmp_path: Path, log: Log) -> None:
    """A bot whose file appears while the server runs answers from then on, not what came before."""
    async with open_world(tmp_path) as world, world.serving():
        early = await world.say("@Bo hello", mention=[world.bo])
        await world.campfire.delivered()
        assert world.campfire.deliveries[-1].status == 404
        world.write_bot("bo")
        assert (await log.until("bots_reloaded"))["added"] == ["bo"]
        said = await world.say("@Bo hello", mention=[world.bo])
        assert "Hello" in await world.answer(said, by=world.bo)
        assert early.id < said.id
        assert world.campfire.violations == ()


async def test_a_changed_persona(tmp_path: Path, log: Log) -> None:
    """The next turn has the new persona, and the old memory."""
    async with open_world(tmp_path) as world, world.serving() as server:
        await world.ask("@Ada my name is Kim")
        file = world.bots_dir / "ada.toml"
        file.write_text(file.read_text().replace("You are Ada.", "You are Ada, a pirate."))
        assert (await log.until("bots_reloaded"))["changed"] == ["ada"]
        assert "Your name is Kim" in await world.ask("@Ada what is my name?")
        before, after = (json.dumps(asked.body["system"]) for asked in world.model.requests)
        assert "a pirate" not in before
        assert "a pirate" in after
        (session,) = (await server.get("/session/stats"))["sessions"]
        assert (session["last_path"], session["turns"]) == ("warm", 2)


async def test_a_broken_file(tmp_path: Path, log: Log) -> None:
    """Its last good version serves on; the mistake is logged with its place; others are untouched.

    Once it is mended it serves as it says.
    """
    async with open_world(tmp_path) as world, world.serving() as server:
        await world.ask("@Ada my name is Kim")
        file = world.bots_dir / "ada.toml"
        good = file.read_text()
        file.write_text(good + 'modle = "x"\n')
        line = await log.until("bot_file_wrong")
        assert (line["where"], line["line"]) == (str(file), 6)
        assert line["what"] == 'unknown key "modle" (did you mean "model"?)'
        assert "Your name is Kim" in await world.ask("@Ada what is my name?")
        (session,) = (await server.get("/session/stats"))["sessions"]
        assert session["last_path"] == "hot"
        world.write_bot("bo")
        await log.until("bots_reloaded", added=["bo"])
        file.write_text(good.replace("You are Ada.", "You are Ada, a pirate."))
        await log.until("bots_reloaded", changed=["ada"])
        await world.ask("@Ada hello")
        assert "a pirate" in json.dumps(world.model.requests[-1].body["system"])


async def test_a_removed_file(tmp_path: Path, log: Log) -> None:
    """New deliveries get 404, and what is owed is still answered, in order."""
    gate = Gate()
    async with open_world(tmp_path) as world, world.serving() as server:
        world.model.script("wait", hold(gate))
        owed = await world.say("@Ada wait")
        await gate.reached()
        waiting = await world.say("@Ada hello")
        await world.campfire.delivered()
        (world.bots_dir / "ada.toml").unlink()
        assert (await log.until("bots_reloaded"))["removed"] == ["ada"]
        _, delivery = await deliver(world, server)
        assert (delivery.status, delivery.content_type) == (404, None)
        gate.release()
        await world.answer(owed)
        await world.answer(waiting)
        assert (await server.settled()) == {"accepted": 2, "answered": 2}
        assert len(world.said_by(world.ada)) == 2
        assert world.campfire.violations == ()


async def hearth(
    folder: Path, *arguments: str, environ: dict[str, str] | None = None
) -> tuple[int, str, str]:
    """Run a command in *folder*; return its exit status, what it said and its errors."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *arguments,
        cwd=folder,
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), **ENVIRONMENT, **(environ or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, errors = await process.communicate()
    return await process.wait(), said.decode(), errors.decode()


def bots(folder: Path, **files: str) -> None:
    """Write bot files."""
    (folder / "bots.d").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / "bots.d" / f"{name}.toml").write_text(text)


async def test_check_finds_nothing(tmp_path: Path) -> None:
    """Right files are named with their bots, and the exit status is 0."""
    bots(tmp_path, ada=GOOD)
    assert await hearth(tmp_path, "check") == (0, "bots.d: all right: Ada (ada)\n", "")


async def test_check_warns(tmp_path: Path) -> None:
    """What works and is unwise is said, without the secret, and is no failure."""
    bots(tmp_path, ada=GOOD.replace('{ env = "ADA_BOT_KEY" }', '"7-AbCdEfGhIjKl"'))
    status, said, errors = await hearth(tmp_path, "check")
    assert (status, said) == (0, "bots.d: all right: Ada (ada)\n")
    assert errors.startswith("warning: bots.d/ada.toml:3: key ")
    assert errors.count("\n") == 1
    assert "AbCdEfGhIjKl" not in errors


async def test_check_lists_every_mistake(tmp_path: Path) -> None:
    """One line a mistake, with file, line and key, however long it is; the exit status is 2."""
    wrong = GOOD.replace("model =", "modle =").replace("ADA_BOT_KEY", "ADA_KEY")
    bots(tmp_path, ada=wrong, bo='name = "Bo', lee=GOOD + '[turn]\ntimeout = "3 minutes"\n')
    status, said, errors = await hearth(tmp_path, "check")
    assert (status, said) == (2, "")
    assert errors.splitlines() == [
        'bots.d/ada.toml: model is missing: add for example model = "claude-sonnet-4-5"',
        "bots.d/ada.toml:3: key names the environment variable ADA_KEY, which is not set",
        'bots.d/ada.toml:4: unknown key "modle" (did you mean "model"?)',
        "bots.d/bo.toml:1: is not valid TOML: unterminated string (at its end)",
        (
            'bots.d/lee.toml:7: turn.timeout = "3 minutes" is not a duration: write for example'
            ' "90s", "3m", "1h30m", "24h" or "7d"'
        ),
    ]


async def test_check_looks_at_everything_at_once(tmp_path: Path) -> None:
    """Wrong settings do not hide wrong files: `check` and `serve` list the same mistakes."""
    bots(tmp_path, ada=GOOD.replace("model =", "modle ="))
    environ = {"HEARTH_PORT": "99999", "HEARTH_GRASE": "10s"}
    expected = [
        (
            'HEARTH_GRASE: is not a setting (did you mean "HEARTH_GRACE"?); names that start with'
            " HEARTH_ are Hearth's own"
        ),
        'HEARTH_PORT: "99999" must be at most 65,535',
        'bots.d/ada.toml: model is missing: add for example model = "claude-sonnet-4-5"',
        'bots.d/ada.toml:4: unknown key "modle" (did you mean "model"?)',
    ]
    for command in ("check", "serve"):
        status, said, errors = await hearth(tmp_path, command, environ=environ)
        assert (status, said, errors.splitlines()) == (2, "", expected), command
    assert not (tmp_path / "session_cache").exists()


async def test_the_schema_of_a_bot_file(tmp_path: Path) -> None:
    """`check --schema` prints a JSON Schema that takes our example and refuses a misspelt key."""
    status, said, errors = await hearth(tmp_path, "check", "--schema")
    assert (status, errors) == (0, "")
    schema = json.loads(said)
    validator = jsonschema.Draft202012Validator
    validator.check_schema(schema)
    example = tomllib.loads((ROOT / "bots.d" / "ada.toml").read_text())
    assert list(validator(schema).iter_errors(example)) == []
    assert list(validator(schema).iter_errors({**example, "modle": "x"}))


async def test_a_port_in_use(tmp_path: Path) -> None:
    """A server that cannot listen says so in a sentence, with the cure."""
    bots(tmp_path, ada=GOOD)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, said, errors = await hearth(tmp_path, "serve", environ={"HEARTH_PORT": str(port)})
    assert (status, said) == (2, "")
    assert errors == (
        f"HEARTH_PORT: 127.0.0.1:{port} cannot be listened on: Address already in use;"
        " choose another HEARTH_PORT or end the program that has it\n"
    )
