"""A disk that is full while a file says so: imported by the server of a run before all else."""

import builtins
import errno
import io
import os
import sqlite3
from functools import partial
from pathlib import Path
from typing import IO, Any

#: Runs the command on such a disk; turns count as long sooner than elsewhere.
COMMAND = """\
from tests.chaos.full_disk import install
install({folder!r})
import bot.app
from bot.rooms.showing import Pace
bot.app.PACE = Pace(placeholder_s=0.6, edit_s=0.3, anew_s=2.5)
from bot.cli import main
main()
"""


def flag_of(folder: Path, pid: int) -> Path:
    """Return the file that fills the disk for one process: the next start finds room again."""
    return folder / f"disk-is-full-for-{pid}"


def install(folder: str) -> None:
    """Have this process meet a full disk: in its journal's commits, and where it writes a file."""
    flag = flag_of(Path(folder), os.getpid())
    _Connection.flag = flag
    connect, fsync, write = sqlite3.connect, os.fsync, io.open

    def fsync_here(number: int) -> None:
        if flag.exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(number)

    def open_here(file: Any, mode: str = "r", *arguments: Any, **named: Any) -> IO[Any]:
        if "w" in mode and flag.exists() and str(file).startswith(folder):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
        return write(file, mode, *arguments, **named)

    sqlite3.connect = partial(connect, factory=_Connection)  # type: ignore[assignment] # our fault
    os.fsync = fsync_here  # type: ignore[assignment] # as above
    io.open = builtins.open = open_here  # type: ignore[assignment] # as above


class _Connection(sqlite3.Connection):
    flag: Path

    def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
        # Outside of a transaction, a statement that changes something is one.
        alone = sql.startswith("INSERT") and not self.in_transaction
        if (alone or sql == "COMMIT") and self.flag.exists():
            full = sqlite3.OperationalError("database or disk is full")
            full.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise full
        return super().execute(sql, *arguments)
