"""The file: how it is opened, and what its errors mean."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

from bot.errors import JournalError, JournalUnavailable
from bot.journal import recovery, soundness
from bot.journal.lock import hold, lock_of
from bot.journal.schema import migrate

#: The journal's name in the session cache.
FILE = "journal.db"

Connect = Callable[[Path], sqlite3.Connection]

#: How long to wait for somebody else's program (a backup, a shell) to let go of the file.
BUSY_S = 2.0

#: The first with STRICT tables.
_OLDEST = (3, 37)

_PRAGMAS = (
    "synchronous = FULL",  # WAL syncs at each commit only when told so
    "fullfsync = ON",  # macOS: fsync alone does not reach the disk
    "checkpoint_fullfsync = ON",
    "secure_delete = ON",  # what is erased leaves no bytes in the file
    "foreign_keys = ON",
    "trusted_schema = OFF",
    "journal_size_limit = 67108864",  # a burst does not leave its log behind for ever
    # The log is copied into the file while nobody waits (`Writer`); in the middle of a commit only
    # when it grows to 200 MiB without a pause.
    "wal_autocheckpoint = 51200",
)

_CURES = {
    sqlite3.SQLITE_FULL: "free space on its disk",
    sqlite3.SQLITE_READONLY: "make its folder writable for the server",
    sqlite3.SQLITE_CANTOPEN: "make its folder writable for the server",
    sqlite3.SQLITE_BUSY: "close the other program that has it open",
    sqlite3.SQLITE_CORRUPT: "restart the server: it keeps the file and saves what can be read",
    sqlite3.SQLITE_NOTADB: "restart the server: it keeps the file and saves what can be read",
}


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, for one thread at a time; only its owner may read it."""
    # SQLite gives its log and its shared memory the permissions of the file
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    return sqlite3.connect(
        path, timeout=BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=256
    )


def open_store(path: Path, connect: Connect = connect) -> tuple[sqlite3.Connection, ExitStack]:
    """Lock, open and migrate the file; closing the stack gives both back.

    A damaged file is kept beside, and what can be read of it taken over.
    """
    try:
        with ExitStack() as stack:
            stack.enter_context(hold(lock_of(path), journal=path))
            _make_sound(path, connect)
            stack.push(soundness.leaver(path))
            db = stack.enter_context(closing(connect(path)))
            _configure(db, path)
            migrate(db, path)
            _empty_log(db)
            return db, stack.pop_all()
    except sqlite3.Error as error:
        raise translate(path, error) from error
    except OSError as error:
        raise JournalUnavailable(path, error.strerror or str(error)) from error


def _make_sound(path: Path, connect: Connect) -> None:
    recovery.finish(path)
    damage = soundness.find_damage(path)
    if damage is not None:
        recovery.recover(path, damage, connect)
    soundness.take(path)


def _configure(db: sqlite3.Connection, path: Path) -> None:
    """Make a commit mean: synced."""
    if sqlite3.sqlite_version_info < _OLDEST:
        why = f"SQLite {sqlite3.sqlite_version} is too old"
        raise JournalUnavailable(path, f"{why}: use a Python with 3.37 or newer")
    db.row_factory = sqlite3.Row
    if db.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
        raise JournalUnavailable(path, "its file system has no shared memory: use a local disk")
    for pragma in _PRAGMAS:
        db.execute(f"PRAGMA {pragma}")


def _empty_log(db: sqlite3.Connection) -> None:
    """Leave nothing of a killed server in its log: pages from before what it deleted, say.

    Somebody else's program that reads the file keeps it from that; the next erase does it then.
    """
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def translate(path: Path, error: sqlite3.Error) -> JournalError:
    """Say in our words what SQLite reports: the disk's fault, or a rule of the tables broken."""
    ours: JournalError
    if isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError:
        ours = JournalUnavailable(path, explain(error))
    else:
        ours = JournalError(f"journal {path} refused an operation: {error}")
    ours.__cause__ = error
    return ours


def explain(error: sqlite3.Error) -> str:
    """Render as ``database or disk is full (free space on its disk)``."""
    # the low byte is the primary code; errors raised by Python's module itself have none
    cure = _CURES.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
    return f"{error} ({cure})" if cure else str(error)
