"""One server a journal: a lock that the kernel frees when its holder dies.

When its file was changed last says when the server was last seen to live, if somebody cared.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bot.errors import JournalHeld

_PRIVATE = 0o600


def lock_of(journal: Path) -> Path:
    """Return the file whose lock is the journal's."""
    return journal.with_name(f"{journal.name}.lock")


def note_life(path: Path, at: float) -> None:
    """Note on the lock file at *path* that its holder lives; nothing waits for the disk."""
    with suppress(OSError):  # an end that is not known exactly is still an end
        os.utime(path, (at, at))


def last_life(path: Path) -> float:
    """Return when the holder of the lock was last noted to live; 0 when there is no such file."""
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0


@contextmanager
def hold(path: Path, *, journal: Path) -> Iterator[None]:
    """Keep *path* locked while the block runs; raise JournalHeld when another does.

    The file stays behind: removing it would let two servers lock two files of one name.
    """
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, _PRIVATE), "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            why = f"another server (process {file.read() or 'unknown'}) holds {path}"
            cure = "stop it, or give this one a session cache of its own (HEARTH_SESSION_CACHE)"
            raise JournalHeld(journal, f"{why}: {cure}") from None
        seen = os.fstat(file.fileno()).st_mtime_ns
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        os.utime(file.fileno(), ns=(seen, seen))  # opening the journal is no sign of that life
        yield
