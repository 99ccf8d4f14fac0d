"""The child as the machine sees it: what it started, and its end."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def kill(pid: int) -> None:
    """End the child at once, and what it started: it leads a process group of its own."""
    with suppress(ProcessLookupError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:  # no `setsid` on this machine: the group is ours
            os.kill(pid, signal.SIGKILL)


def children(pid: int) -> Iterator[int]:
    """Yield what *pid* started; nothing where the kernel does not tell."""
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # the thread ended meanwhile
            yield from map(int, thread.read_text().split())
