"""Whether the file is what was left there, or damaged; asked at each start, in milliseconds.

The last server notes how it left the file. When that still holds, nobody has touched it, and its
head is all that is looked at. After a crash every page is (0.2 s for 100,000 messages and their
replies); in a file that was changed in between, every index and every text as well (2 s).
"""

import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from functools import cache
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Final
from urllib.parse import quote

import structlog

from bot.journal import counters
from bot.journal.pages import mapped
from bot.journal.schema import MIGRATIONS
from bot.journal.shapes import shapes
from bot.journal.wal import is_whole

log = structlog.get_logger(__name__)

_CORRUPT: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_UNDECODABLE: Final = "Could not decode"
#: The disk, its rights, or another program: a later look may find nothing wrong.
_NOT_THE_FILE: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
)

#: How each of our files begins: SQLite's name, pages of 4096 bytes, and then, after the two bytes
#: that say whether there is a log, more that never changes.
_BEGINS: Final = b"SQLite format 3\0\x10\0"
_LOGGED: Final = (b"\2\2", b"\1\1")  # the second until the first start is over
_GOES_ON: Final = b"\0\x40\x20\x20"
_HEAD_BYTES: Final = 24
_COMMENT_OR_SPACE: Final = re.compile(r"--[^\n]*|\s+")

_DAMAGED: Final = "damaged"

_OPEN: Final = "SELECT * FROM inbox WHERE state = 'open'"
#: What the server starts from, by table.
_STARTED_FROM: Final = {
    "inbox": _OPEN,
    "attempts": """
        SELECT * FROM attempts WHERE entry IN (SELECT seq FROM inbox WHERE state = 'open')
    """,
    "outbox": """
        SELECT * FROM outbox WHERE entry IN (SELECT seq FROM inbox WHERE state = 'open')
    """,
}


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error says that the file's content is wrong, and not only its disk."""
    return _code(error) in _CORRUPT or str(error).startswith(_UNDECODABLE)


def _code(error: sqlite3.Error) -> int:
    """Return the primary code, which is the low byte; Python's own errors have none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


class Damage:
    """Whether the file was found damaged while in use. From then on nothing more is written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        #: What was found, with the cure; None when nothing was.
        self.why: str | None = None

    def note(self, error: Exception | None) -> None:
        """Look at an error; damage is remembered, on disk too, so that the next start recovers."""
        if self.why is None and isinstance(error, sqlite3.Error) and is_damage(error):
            self.why = f"{error} (restart the server: it saves what can be read)"
            cure = "restart the server: it keeps the file and saves what can be read"
            log.error("journal_found_damaged", file=str(self._path), why=str(error), cure=cure)
            with suppress(OSError):  # every page is looked at then
                _write(_mark(self._path), _DAMAGED)


def find_damage(path: Path) -> str | None:
    """Say what is wrong with the files of the journal at *path*, or None. Changes none of them.

    Raises sqlite3.Error or OSError when they cannot be looked at for now.
    """
    left = _left(path)
    if left == _DAMAGED:
        return "it was found damaged while in use"
    if not path.exists() or not path.stat().st_size:
        return _missing(path)
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not (head[:18] == _BEGINS and head[18:20] in _LOGGED and head[20:] == _GOES_ON):
        return "its first bytes are not those of a journal"
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as db:
            return _find_damage(db, path, left)
    except sqlite3.Error as error:
        if _code(error) in _NOT_THE_FILE:
            raise
        return str(error)
    except UnicodeDecodeError as error:  # in the words of the tables themselves
        return str(error)


def _find_damage(db: sqlite3.Connection, path: Path, left: str | None) -> str | None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        return None  # a newer server's, and no business of ours
    if not _has_tables(db, version):
        return f"its tables are not those of version {version}"
    if left is not None and left == _state(path):
        return None
    changed = left is not None
    return (
        _page_damage(db, "integrity_check" if changed else "quick_check")
        or _log_damage(path)
        or (_text_damage(db) if changed else None)
        or (_nonsense(db) if version == len(MIGRATIONS) else None)
    )


def take(path: Path) -> None:
    """Note that the file is in use; what the last server noted holds no longer."""
    _mark(path).unlink(missing_ok=True)


def leaver(
    path: Path,
) -> Callable[[type[BaseException] | None, BaseException | None, TracebackType | None], None]:
    """Return what notes, at the end of an orderly use, how the file is left."""

    def leave(_: object, error: BaseException | None, __: object) -> None:
        with suppress(OSError):  # the next start looks at every page then
            state = _state(path)
            if error is None and state is not None and _left(path) != _DAMAGED:
                _write(_mark(path), state)

    return leave


def _mark(path: Path) -> Path:
    return path.with_name(f"{path.name}.left")


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _left(path: Path) -> str | None:
    """Read what the last server noted; None when it could not."""
    try:
        return _mark(path).read_text(encoding="ascii")
    except (FileNotFoundError, ValueError):
        return None


def _state(path: Path) -> str | None:
    """Describe the file so that a change shows; None while there is a log beside it."""
    if _log(path).exists() and _log(path).stat().st_size:
        return None
    file = path.stat()
    return f"{file.st_size} bytes at {file.st_mtime_ns}"


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def _missing(path: Path) -> str | None:
    """Judge a journal without a file: a new one, or one that has lost it."""
    if path.exists():
        return "it is empty"
    if _log(path).exists() and _log(path).stat().st_size:
        return "it is gone, and its log is still there"
    return None


def _has_tables(db: sqlite3.Connection, version: int) -> bool:
    """Whether the tables and indices are there that a sound file of its version has."""
    found = _statements(db)
    return found >= _made_by(MIGRATIONS[:version]) and bool(version or not found)


@cache
def _made_by(migrations: tuple[tuple[str, ...], ...]) -> frozenset[str]:
    with closing(sqlite3.connect(":memory:")) as sound:
        for statement in chain.from_iterable(migrations):
            sound.execute(statement)
        return _statements(sound)


def _statements(db: sqlite3.Connection) -> frozenset[str]:
    statements = db.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")
    return frozenset(_COMMENT_OR_SPACE.sub(" ", sql) for (sql,) in statements)


def _page_damage(db: sqlite3.Connection, check: str) -> str | None:
    (found,) = db.execute(f"PRAGMA {check}(1)").fetchone()
    return None if found == "ok" else str(found)


def _log_damage(path: Path) -> str | None:
    """Compare the log with what SQLite, which has the file open now, has taken of it."""
    index = path.with_name(f"{path.name}-shm")
    with mapped(_log(path)) as log:
        whole = is_whole(log, index.read_bytes() if index.exists() else b"")
    return None if whole else "its log is damaged before its end"


def _text_damage(db: sqlite3.Connection) -> str | None:
    """Read every row: SQLite's own checks do not look into the texts."""
    tables = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    for (table,) in tables:
        for row in db.execute(f'SELECT * FROM "{table}" NOT INDEXED'):  # noqa: S608 - a name from the schema
            if any(isinstance(value, str) and "\0" in value for value in row):
                return f"a text in {table} has zeros in it"
    return None


def _nonsense(db: sqlite3.Connection) -> str | None:
    """Read what the server will start from: the equation, and the open messages with all theirs."""
    try:
        if not counters.tally(db).balanced:
            return "its counters do not add up"
    except LookupError as error:
        return f"it has no counter {error}"
    for shape in shapes(db):
        wanted = _STARTED_FROM.get(shape.table)
        # What the index of the open ones says, the row itself must say as well.
        state = shape.names.index("state") if wanted is _OPEN else None
        for _, *values in db.execute(wanted).fetchall() if wanted is not None else ():
            row = (None, *values)
            if not shape.fits(row) or (state is not None and row[state] != "open"):
                return f"a row of {shape.table} makes no sense"
    return None
