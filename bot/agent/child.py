"""The child as the machine sees it: its memory, and its end."""

import os
import signal
from contextlib import suppress
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def resident_bytes(pid: int) -> int | None:
    """Return the resident memory of process *pid*; None when it is gone or cannot be read."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return None


def kill(pid: int) -> None:
    """End the child at once, and what it started: it leads a process group of its own."""
    with suppress(ProcessLookupError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:  # no `setsid` on this machine: the group is ours
            os.kill(pid, signal.SIGKILL)
