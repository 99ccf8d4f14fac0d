"""A journal with something of everything in it, and ways to damage its files."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bot.journal import attempts, inbox, known_bots, outbox, ownership, replies
from bot.journal.pages import PAGE_BYTES, Image, Row, rows
from bot.journal.store import open_store
from bot.journal.wal import newest_pages
from bot.records import AttemptState, Outcome, PartKind
from tests.journal.engines import NOON, said

AT = NOON.timestamp()
MESSAGES = 40
TABLES = ("inbox", "attempts", "outbox", "history", "room", "place", "known_bot")
#: How messages end, in turn; None: not yet.
_ENDS = (Outcome.ANSWERED, Outcome.TOLD, None, Outcome.ANSWERED, Outcome.DEAD)
#: What a server noted that has left another file.
_CHANGED = "1 bytes at 1"

Table = dict[int, tuple[object, ...]]


def fill(db: sqlite3.Connection, messages: range) -> None:
    """Accept messages and bring them to different ends; some are longer than a page."""
    for number in messages:
        db.execute("BEGIN IMMEDIATE")
        lane = f"campfire/{number % 5}"
        long = "Füße 👣 " * (400 * (number % 7 == 0) + number)
        message = replace(said(f"{number}: {long}", number=number), room=str(number % 5))
        inbox.accept(db, [(message, lane)], node="hearth-1", at=AT + number)
        known_bots.add(db, "campfire", {f"bot-{number}": f"Bo the {number}."})
        _bring_to_its_end(db, db.execute("SELECT max(seq) FROM inbox").fetchone()[0], long)
        db.execute("COMMIT")


def _bring_to_its_end(db: sqlite3.Connection, seq: int, long: str) -> None:
    entry = inbox.entry(db, seq)
    assert entry is not None
    ids = {"session_id": f"session-{seq}", "prompt_uuid": f"prompt-{seq}"}
    attempt = attempts.start(db, seq, **ids, alone=False, at=AT)
    end = _ENDS[seq % len(_ENDS)]
    if end is None:
        if attempt is not None:
            attempts.end(db, attempt, state=AttemptState.FAILED, error="x", at=AT)
        return
    reply = replies.Reply(
        parts=[f"<p>{seq}</p>", f"<p>{long}</p>"],
        kind=PartKind.ANSWER,
        verdict=Outcome.ANSWERED,
        text=long,
        reason=None,
    )
    parts = replies.freeze(db, entry, reply, attempt=attempt, at=AT)
    for part in parts:
        outbox.mark_posted(db, part.seq, remote_id=str(part.seq), at=AT)
    how = {"reason": None, "last": None, "remote_id": None, "at": AT}
    replies.settle(db, entry, outcome=None if end is Outcome.ANSWERED else end, **how)
    ownership.beat(db, node="hearth-1", at=AT)


@dataclass(frozen=True, repr=False)
class Files:
    """The files of a journal, at one moment."""

    file: bytes
    log: bytes = b""

    def __repr__(self) -> str:
        return f"<{len(self.file)} + {len(self.log)} bytes>"

    @classmethod
    def at_rest(cls, folder: Path) -> "Files":
        """Return those of a server that was stopped."""
        with opened(folder / "journal.db") as db:
            fill(db, range(1, MESSAGES + 1))
        return cls((folder / "journal.db").read_bytes())

    @classmethod
    def after_a_crash(cls, folder: Path) -> "Files":
        """Return those of a server that was killed: half of it all is in the log only."""
        path = folder / "journal.db"
        with opened(path) as db:
            fill(db, range(1, MESSAGES // 2))
            db.execute("PRAGMA wal_checkpoint(RESTART)")
            fill(db, range(MESSAGES // 2, MESSAGES + 1))
            return cls(path.read_bytes(), Path(f"{path}-wal").read_bytes())

    @property
    def pages(self) -> int:
        """How many pages the file has."""
        return len(self.file) // PAGE_BYTES

    def put(self, path: Path) -> None:
        """Put them at *path*: changed since a server stopped, or as a killed one has left them."""
        path.write_bytes(self.file)
        if self.log:
            Path(f"{path}-wal").write_bytes(self.log)
        else:
            Path(f"{path}.left").write_text(_CHANGED)

    def tables(self, folder: Path) -> dict[str, Table]:
        """Read what they hold, with SQLite."""
        path = folder / "sound.db"
        self.put(path)
        with closing(sqlite3.connect(path)) as db:
            return read_tables(db)

    def pages_in_log(self) -> frozenset[int]:
        """Name the pages whose newest version is not in the file."""
        return frozenset(newest_pages(self.log))

    def homes(self) -> dict[tuple[str, object], frozenset[int]]:
        """Say on which pages each message, by its id, and each prompt is."""
        image = Image(self.file, self.log, newest_pages(self.log))
        return {key: pages for row, pages in _located(image) if (key := _key(row)) is not None}


class _Leaf(Image):
    """A page alone; what its rows go on in is taken from the whole."""

    def __init__(self, whole: Image, number: int) -> None:
        self.whole, self.number, self.last = whole, number, 2
        self.followed: list[int] = []
        self.given = False

    def page(self, number: int) -> bytes:
        if not self.given:
            self.given = True
            return self.whole.page(self.number)
        self.followed.append(number)
        return self.whole.page(number)


def _located(image: Image) -> Iterator[tuple[Row, frozenset[int]]]:
    """Yield all rows with their pages."""
    for number in range(2, image.last + 1):
        leaf = _Leaf(image, number)
        for row in rows(leaf):
            yield row, frozenset({number, *leaf.followed})
            leaf.followed.clear()


def _key(row: Row) -> tuple[str, object] | None:
    """Name what a row is of: a message of the inbox, or an attempt's prompt."""
    match row.values:
        case (None, "campfire", "ada", str(message), str(lane), *_) if "/" in lane:
            return "inbox", message
        case (None, int(), int(), str(prompt), str(), *_) if prompt.startswith("prompt-"):
            return "attempts", prompt
    return None


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a journal as the server does, and close it in order."""
    db, lease = open_store(path)
    with lease:
        yield db


@contextmanager
def opened_twice(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a journal again, as one that was changed: then its texts are looked at."""
    with opened(path):
        pass
    Path(f"{path}.left").write_text(_CHANGED)
    with opened(path) as db:
        yield db


def read_tables(db: sqlite3.Connection) -> dict[str, Table]:
    """Read all rows by their numbers."""
    return {
        table: {
            number: tuple(values)
            for number, *values in db.execute(f"SELECT rowid, * FROM {table} NOT INDEXED")  # noqa: S608 - a table of ours
        }
        for table in TABLES
    }


def spoil(content: bytes, at: int, length: int = PAGE_BYTES, *, seed: int | None = None) -> bytes:
    """Overwrite a stretch with zeros, or with noise."""
    length = max(0, min(length, len(content) - at))
    noise = b"\0" * length if seed is None else random.Random(seed).randbytes(length)  # noqa: S311 - no secret
    return content[:at] + noise + content[at + length :]


def page(number: int) -> int:
    """Return where a page begins in the file."""
    return (number - 1) * PAGE_BYTES
