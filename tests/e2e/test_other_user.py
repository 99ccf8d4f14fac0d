"""A child that runs as another user of the machine, with a tool that writes files."""

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.agent.launch import bundled_child
from bot.testing.model import call_tool
from tests.e2e.test_attachments import files_of
from tests.e2e.world import World, open_world

_USER = "nobody"
_FILE = f'[agent]\nuser = "{_USER}"\ntools = ["Write", "Read"]\n[reply]\nattachments = true\n'


def _why_not() -> str | None:
    """Say why this machine cannot run a child as somebody else."""
    if os.geteuid() != 0:
        return "only root can start a program as another user"
    try:
        pwd.getpwnam(_USER)
    except KeyError:
        return f"this machine has no user {_USER}"
    if shutil.which("setpriv") is None:
        return "this machine has no setpriv"
    reachable = all(folder.stat().st_mode & 0o001 for folder in bundled_child().parents)
    return None if reachable else f"{_USER} cannot reach the agent's program"


pytestmark = pytest.mark.skipif(_why_not() is not None, reason=str(_why_not()))


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder that another user can reach, which pytest's are not."""
    path = Path(tempfile.mkdtemp(prefix="hearth-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


async def write(world: World, path: str) -> str:
    """Have the agent write a file; return its answer."""
    call = call_tool("Write", file_path=path, content="tea,cold\n")
    world.model.script("a table", call, times=2)
    return await world.ask("@Ada make a table")


async def test_a_file_that_the_child_writes_is_posted(folder: Path) -> None:
    """It is the other user's, and comes after the answer."""
    async with open_world(folder) as world:
        world.write_bot("ada", _FILE)
        async with world.serving() as server:
            await world.ask("@Ada hello")
            (work,) = (world.cache / "work" / "ada").iterdir()
            await write(world, str(work / "tea.csv"))
            assert await server.settled() == {"accepted": 2, "answered": 2}
            (file,) = files_of(world)
            assert (file.plain, file.content) == ("tea.csv", b"tea,cold\n")
            made = (work / "tea.csv").stat()
            person = pwd.getpwnam(_USER)
            assert (made.st_uid, made.st_gid) == (person.pw_uid, person.pw_gid)
        assert world.campfire.violations == ()


async def test_the_child_reaches_nothing_else(folder: Path) -> None:
    """Neither the journal nor another bot's folder, nor what the server's group may read."""
    async with open_world(folder) as world:
        world.write_bot("ada", _FILE)
        secret = folder / "secret"
        secret.write_text("for the group of the server\n")
        secret.chmod(0o640)
        async with world.serving():
            for path in (secret, world.cache / "journal.db", world.cache / "admin.token"):
                world.model.script("read it", call_tool("Read", file_path=str(path)), times=2)
                answer = await world.ask("@Ada read it")
                assert "for the group" not in str(world.model.requests[-1].body)
                assert "EACCES" in answer or "denied" in answer or "not exist" in answer
            assert (
                "refused" in await write(world, str(folder / "escaped.csv"))
                or not (folder / "escaped.csv").exists()
            )
