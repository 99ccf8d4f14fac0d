"""Processes as the system lists them: whose they are, and how they are."""

import os
import select
import signal
from pathlib import Path


def family(folder: Path) -> list[int]:
    """Return all processes that were given *folder* in their environment: ours, and no others."""
    mark = os.fsencode(folder)
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        pid = int(path.parent.name)
        try:
            if pid != os.getpid() and mark in path.read_bytes():
                found.append(pid)
        except OSError:  # it has ended, or it is somebody else's
            continue
    return found


def children(pid: int) -> list[int]:
    """Return what a process has started and not waited for yet."""
    found: list[int] = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, listed.read_text().split())
        except OSError:  # the thread has ended
            continue
    return sorted(found)


def is_conversation(pid: int) -> bool:
    """Whether it is the agent's child at work.

    Not when it only tells its version and its options, as at each start of the server, and not
    between its fork and its first own instruction, when it is still called as its parent is.
    """
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    arguments = command.split(b"\0")[1:-1]
    return bool(arguments) and not {b"--version", b"--help", b"serve"} & set(arguments)


def zombies(pid: int) -> list[int]:
    """Return those of its children that have ended."""
    return [child for child in children(pid) if state(child) == "Z"]


def state(pid: int) -> str:
    """Return the letter of the process's state; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def _parent(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def open_handle(pid: int) -> int | None:
    """Return a handle that means this process for ever; None when it is gone."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None


def send(pid: int, number: signal.Signals, *, parent: int) -> bool:
    """Send a signal to *pid* if it is still a child of *parent*: ids are given out again."""
    handle = open_handle(pid)
    if handle is None:
        return False
    try:
        if _parent(pid) != parent:
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


def alive(handles: list[int]) -> list[int]:
    """Return the handles whose processes still run."""
    return [handle for handle in handles if not select.select([handle], [], [], 0)[0]]
