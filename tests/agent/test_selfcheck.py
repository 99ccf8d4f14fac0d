"""How the agent is found fit, over programs of our own in its place."""

import asyncio
from pathlib import Path

import pytest
from claude_agent_sdk import __version__ as sdk_version

from bot.agent import selfcheck
from bot.agent.folders import AgentFolders
from bot.agent.launch import bare_environment
from bot.agent.selfcheck import ChildVersion, check_child, look_at_child
from bot.errors import AgentMissing

GOOD = f"""
case $1 in
  --version) echo 1.2.3 ;;
  --help) echo '{" ".join(selfcheck._FLAGS)}' ;;
esac
"""


@pytest.fixture
def child(tmp_path: Path) -> Path:
    """Return where the child would be, beside the version that came with it."""
    (tmp_path / "claude.version").write_text("1.2.3\n")
    return tmp_path / "claude"


def write(child: Path, script: str) -> None:
    """Put a program in place of the child."""
    child.write_text(f"#!/bin/sh\n{script}")
    allow(child, 0o755)


def allow(child: Path, mode: int) -> None:
    """Say who may do what with the program."""
    child.chmod(mode)


async def look(folders: AgentFolders, child: Path, script: str | None = None) -> ChildVersion:
    """Check a child that is this script."""
    if script is not None:
        write(child, script)
    return await check_child(folders.launcher, child, bare_environment(folders, child))


async def test_fit_child_is_known_by_its_version(folders: AgentFolders, child: Path) -> None:
    """Both versions are reported, the package's and the child's."""
    assert await look(folders, child, GOOD) == ChildVersion(sdk=sdk_version, child="1.2.3")


async def test_missing_child_says_where_there_is_one(folders: AgentFolders, child: Path) -> None:
    """On Alpine no wheel brings it, and the message says so."""
    with pytest.raises(AgentMissing, match=r"glibc.* Alpine and other musl systems cannot run it"):
        await look(folders, child)


async def test_other_version_is_refused(folders: AgentFolders, child: Path) -> None:
    """Behaviour changes between patch releases: the child must be the one that was measured."""
    with pytest.raises(AgentMissing, match=r"says version '1\.2\.4', but .* with '1\.2\.3'"):
        await look(folders, child, GOOD.replace("1.2.3", "1.2.4"))


async def test_missing_version_file_is_named(folders: AgentFolders, child: Path) -> None:
    """A package that is not whole is to be installed anew."""
    child.with_name("claude.version").unlink()
    with pytest.raises(AgentMissing, match=r"claude\.version .* install the package anew"):
        await look(folders, child, GOOD)


async def test_unknown_flag_is_named(folders: AgentFolders, child: Path) -> None:
    """A child that does not know a flag of ours would end at every start."""
    with pytest.raises(AgentMissing, match=r"the child 1\.2\.3 does not know --bare$"):
        await look(folders, child, GOOD.replace("--bare ", ""))


async def test_failing_child_is_quoted(folders: AgentFolders, child: Path) -> None:
    """Its exit code and last words are in the message."""
    with pytest.raises(AgentMissing, match="exit code 3 on --version: GLIBC_9 not found"):
        await look(folders, child, "echo GLIBC_9 not found >&2; exit 3")


async def test_launcher_that_cannot_run_is_noticed(folders: AgentFolders, child: Path) -> None:
    """A state folder that forbids programs would fail every start."""
    folders.launcher.chmod(0o600)
    with pytest.raises(AgentMissing, match=r"cannot be run: .*Permission denied"):
        await look(folders, child, GOOD)


async def test_silent_child_is_given_up(
    monkeypatch: pytest.MonkeyPatch, folders: AgentFolders, child: Path
) -> None:
    """A child that does not answer is ended."""
    monkeypatch.setattr(selfcheck, "_SECONDS", 0.1)
    with pytest.raises(AgentMissing, match=r"did not answer --version within 0\.1 s"):
        await look(folders, child, "exec tail -f /dev/null")


async def test_cancelled_check_leaves_nothing(folders: AgentFolders, child: Path) -> None:
    """Stopping the server while it looks at its child ends that child too."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await look(folders, child, "exec tail -f /dev/null")


async def test_the_same_child_is_not_run_again(folders: AgentFolders, child: Path) -> None:
    """At the next start it is known; one that has changed in any way is looked at anew."""
    folders.launcher.parent.mkdir(parents=True, exist_ok=True)
    write(child, GOOD + f"\necho ran >> {child.parent}/runs")
    environment = bare_environment(folders, child)
    fit = ChildVersion(sdk=sdk_version, child="1.2.3")

    def runs() -> int:
        return len((child.parent / "runs").read_text().splitlines())

    for _ in range(2):
        assert await look_at_child(folders.launcher, child, environment) == fit
        assert runs() == 2  # for its version and for its help
    allow(child, 0o700)
    assert await look_at_child(folders.launcher, child, environment) == fit
    assert runs() == 4
    allow(child, 0o600)
    with pytest.raises(AgentMissing):
        await look_at_child(folders.launcher, child, environment)
    write(child, GOOD.replace("1.2.3", "1.2.4"))
    with pytest.raises(AgentMissing, match=r"1\.2\.4"):
        await look_at_child(folders.launcher, child, environment)
