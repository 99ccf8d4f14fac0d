"""What a killed server left running is ended at the next start, and nothing else is."""

import os
import select
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.agent.folders import AgentFolders
from bot.agent.orphans import Orphans, end_orphans

_LONG = ("sleep", "60")
#: A leader that starts another, which has nothing of ours in its environment.
_GROUP = ("sh", "-c", "env -i sh -c 'echo $$; exec sleep 60' & wait")

Starts = Callable[..., list[int]]


@pytest.fixture
def folders(tmp_path: Path) -> AgentFolders:
    """Name the session cache of a server that was killed."""
    return AgentFolders(root=tmp_path / "session_cache")


@pytest.fixture
def starts() -> Iterator[Starts]:
    """Start programs whose parent is gone; those that are left in the end are killed."""
    started: list[int] = []

    def start(
        folder: Path | str, *, sdk: bool = True, program: tuple[str, ...] = _LONG
    ) -> list[int]:
        environment = {"PATH": os.defpath, "CLAUDE_CONFIG_DIR": str(folder)}
        if sdk:
            environment["CLAUDE_CODE_ENTRYPOINT"] = "sdk-py"
        # The shell in between ends at once: what it has started has no parent of ours.
        script = 'setsid sh -c \'echo $$; exec "$@"\' - "$@" & '
        with subprocess.Popen(  # noqa: S603 - a fixed command
            ["/bin/sh", "-c", script, "-", *program],
            env=environment,
            stdout=subprocess.PIPE,
        ) as shell:
            assert shell.stdout is not None
            lines = 2 if program is _GROUP else 1
            pids = [int(shell.stdout.readline()) for _ in range(lines)]
            started.extend(pids)
            return pids

    yield start
    for pid in started:
        if alive(pid):
            os.kill(pid, 9)


def alive(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def ends(pid: int) -> bool:
    """Whether a process that was killed is gone, in a moment: nobody waits for it by name."""
    with suppress(ProcessLookupError):
        handle = os.pidfd_open(pid)
        select.select([handle], [], [], 10)
        os.close(handle)
    return not alive(pid)


def test_an_orphan_is_ended(folders: AgentFolders, starts: Starts) -> None:
    """With all of its group; it is gone when the call returns, and the operator hears of it."""
    leader, follower = starts(folders.config("ada"), program=_GROUP)
    (other,) = starts(folders.config("bo"))
    with capture_logs() as logs:
        assert end_orphans(folders) == Orphans(ended=2, left=0)
    assert not alive(leader)
    assert not alive(other)
    assert ends(follower)
    (line,) = logs
    assert (line["event"], line["ended"], line["left"]) == ("orphans_ended", 2, 0)


def test_what_is_not_ours_lives_on(folders: AgentFolders, starts: Starts, tmp_path: Path) -> None:
    """Neither another server's child, nor one of a like name, nor a person's shell."""
    strangers = [
        *starts(tmp_path / "elsewhere" / "agent" / "ada"),
        *starts(f"{folders.root}2/agent/ada"),
        *starts(folders.root / "agent"),
        *starts(folders.config("ada") / "deeper"),
        *starts(f"{folders.root}/agent/../agent/ada"),
        *starts("session_cache/agent/ada"),
        *starts(folders.config("ada"), sdk=False),
    ]
    with capture_logs() as logs:
        assert end_orphans(folders) == Orphans(ended=0, left=0)
    assert all(map(alive, strangers))
    assert logs == []


def test_our_own_children_are_no_orphans(folders: AgentFolders) -> None:
    """Nor are theirs."""
    environment = {
        "PATH": os.defpath,
        "CLAUDE_CONFIG_DIR": str(folders.config("ada")),
        "CLAUDE_CODE_ENTRYPOINT": "sdk-py",
    }
    with subprocess.Popen(
        ["/bin/sh", "-c", "sleep 60 & echo $!; wait"], env=environment, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        grandchild = int(child.stdout.readline())
        try:
            assert end_orphans(folders) == Orphans(ended=0, left=0)
            assert alive(child.pid)
            assert alive(grandchild)
        finally:
            os.kill(grandchild, 9)
            child.kill()


def test_one_that_does_not_go_is_counted(
    folders: AgentFolders, starts: Starts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start does not wait for ever, and its note of a running session stays."""
    note = _note(folders, "17")
    starts(folders.config("ada"))
    with monkeypatch.context() as patch:
        patch.setattr("bot.agent.orphans.kill", lambda _: None)
        assert end_orphans(folders, patience_s=0.05) == Orphans(ended=0, left=1)
    assert note.exists()
    assert end_orphans(folders) == Orphans(ended=1, left=0)
    assert not note.exists()


def _note(folders: AgentFolders, name: str) -> Path:
    note = folders.config("ada") / "sessions" / f"{name}.json"
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text("{}")
    return note


def test_notes_of_running_sessions_are_tidied(folders: AgentFolders) -> None:
    """No child runs at the start, whatever a killed one has noted; other files stay."""
    stale, other = _note(folders, "12345"), _note(folders, "settings")
    transcript = folders.config("ada") / "projects" / "1.json"
    transcript.parent.mkdir()
    transcript.write_text("{}")
    end_orphans(folders)
    assert [path.exists() for path in (stale, other, transcript)] == [False, True, True]


def test_a_machine_without_proc_has_none(
    folders: AgentFolders, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """There is nothing to look at, and no error."""
    monkeypatch.setattr("bot.agent.orphans._PROC", tmp_path / "nothing")
    assert end_orphans(folders) == Orphans(ended=0, left=0)
