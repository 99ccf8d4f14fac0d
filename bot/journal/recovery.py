"""Getting over a damaged journal: the file is kept beside, and what can be read of it goes on.

A crash in the middle is taken up at the next start: the fresh file is complete before the damaged
one is moved, and carries the moment in its name until it takes its place.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from bot.journal.pages import Image, mapped, rows
from bot.journal.salvage import salvage
from bot.journal.schema import migrate
from bot.journal.wal import newest_pages

log = structlog.get_logger(__name__)

_MOMENT: Final = "%Y%m%dT%H%M%S.%fZ"
#: The files that make up a journal.
_ENDS: Final = ("", "-wal", "-shm")
#: Their words are gone once they have ended, but not from a file that nobody writes to.
_OFF_RECORD: Final = "SELECT count(*) FROM inbox WHERE state = 'open' AND off_record"


def recover(path: Path, why: str, connect: Callable[[Path], sqlite3.Connection]) -> None:
    """Put the damaged journal aside, and in its place a fresh one with all that can be read of it.

    Nothing of the damaged files is changed. Raises sqlite3.Error or OSError while the disk does not
    take the fresh one; the damaged one is in its place then.
    """
    moment = datetime.now(UTC).strftime(_MOMENT)
    fresh, kept = _fresh(path, moment), _kept(path, moment)
    log.error("journal_damaged", file=str(path), kept_as=str(kept), why=why)
    fresh.unlink(missing_ok=True)
    saved, withheld = _fill(fresh, path, connect)
    _swap(path, fresh, moment)
    log.error(
        "journal_recovered",
        file=str(path),
        kept_as=str(kept),
        **saved,
        note="rows that could not be read are missing: a message may stay without its answer, or"
        " be answered again",
    )
    if withheld:
        log.warning(
            "off_record_kept",
            file=str(kept),
            messages=withheld,
            why="it was damaged while they waited for their answers, and is kept as it was",
            cure="remove the file when nobody needs it any more",
        )


def finish(path: Path) -> None:
    """Take up a recovery that a crash broke off. Raises OSError."""
    start = f"{path.name}.recovered-"
    for fresh in sorted(path.parent.glob(f"{start}*Z")):
        if path.exists():  # it was not complete yet
            for end in (*_ENDS, "-journal"):
                _beside(fresh, end).unlink(missing_ok=True)
        else:
            _swap(path, fresh, fresh.name.removeprefix(start))


def _fill(
    fresh: Path, damaged: Path, connect: Callable[[Path], sqlite3.Connection]
) -> tuple[dict[str, int], int]:
    """Write the fresh journal; it is on disk when this returns.

    Returns how many rows it has, by table, and how many messages in it are owed off the record.
    """
    with closing(connect(fresh)) as db, _image(damaged) as image:
        db.execute("PRAGMA synchronous = FULL")
        migrate(db, fresh)
        db.execute("BEGIN IMMEDIATE")
        saved = salvage(db, rows(image), at=time.time())
        db.execute("COMMIT")
        withheld = db.execute(_OFF_RECORD).fetchone()[0]
        return saved, withheld


@contextmanager
def _image(path: Path) -> Iterator[Image]:
    """Open the files of a journal for reading only."""
    with ExitStack() as stack:
        file, written = (stack.enter_context(mapped(_beside(path, end))) for end in ("", "-wal"))
        yield Image(file, written, newest_pages(written))


def _swap(path: Path, fresh: Path, moment: str) -> None:
    """Move the damaged files away, then the fresh one in. `finish` can go on from any step.

    The log goes before the fresh file comes: SQLite would take it for that one's.
    """
    for end in _ENDS:
        if _beside(path, end).exists():
            _beside(path, end).rename(_beside(_kept(path, moment), end))
    _sync(path.parent)
    fresh.rename(path)
    _sync(path.parent)


def _fresh(path: Path, moment: str) -> Path:
    return path.with_name(f"{path.name}.recovered-{moment}")


def _kept(path: Path, moment: str) -> Path:
    return path.with_name(f"{path.name}.corrupt-{moment}")


def _beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def _sync(folder: Path) -> None:
    """Make renames durable: it is the folder that holds a file's name."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
