"""The child as the machine sees it: its memory, and its end."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def resident_bytes(pid: int) -> int | None:
    """Return the resident memory of *pid* and all it started; None when it cannot be read."""
    own = _resident_bytes(pid)
    if own is None:
        return None
    return own + sum(resident_bytes(child) or 0 for child in children(pid))


def kill(pid: int) -> None:
    """End the child at once, and what it started: it leads a process group of its own."""
    with suppress(ProcessLookupError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:  # no `setsid` on this machine: the group is ours
            os.kill(pid, signal.SIGKILL)


def _resident_bytes(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return None


def children(pid: int) -> Iterator[int]:
    """Yield what *pid* started; nothing where the kernel does not tell."""
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # the thread ended meanwhile
            yield from map(int, thread.read_text().split())
