"""One server a journal: a lock that the kernel frees when its holder dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.errors import JournalHeld

_PRIVATE = 0o600


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
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
