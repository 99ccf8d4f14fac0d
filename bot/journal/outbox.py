"""What Hearth says: parts of replies, and how far each has come.

A part moves ``queued -> sending -> posted``, back to ``queued`` when a try failed, and to
``dead`` when it is given up, from where an operator may revive it. A step that does not fit
changes nothing: each function returns the part as it stands, and only one that is ``sending`` may
leave.
"""

import sqlite3
from collections.abc import Sequence

from bot.journal.values import storable
from bot.records import Part, PartKind, PartState
from bot.records.file import File

# Numbered on: a message that was retried has said something before, that it failed.
_ADD = """
    INSERT INTO outbox (entry, number, kind, html, state, created_at, sent_at, remote_id, file)
    SELECT ?1, ifnull(max(number) + 1, 0), ?2, ?3, ?4, ?5, ?6, ?7, ?8
    FROM outbox WHERE entry = ?1 AND kind <> 'progress'
    RETURNING *
"""

# `sent_at` is overwritten by each try: it says when the bytes that may have left did so. It is
# NULL again when it is known that they did not arrive.
_SENDING = """
    UPDATE outbox SET state = 'sending', sent_at = ? WHERE seq = ? AND state = 'queued'
"""

# That it stands in the room is a fact, whatever was decided about it meanwhile.
_POSTED = """
    UPDATE outbox SET state = 'posted', remote_id = ?, posted_at = ?
    WHERE seq = ? AND state <> 'posted'
"""

_RETRY = """
    UPDATE outbox
    SET state = 'queued', tries = tries + 1, not_before = ?, error = ?, sent_at = NULL
    WHERE seq = ? AND state = 'sending'
"""

_REPEAT = """
    UPDATE outbox SET possible_duplicate = 1, tries = tries + 1, sent_at = ?
    WHERE seq = ? AND state = 'sending'
"""

_POSTED_IDS = """
    SELECT remote_id FROM outbox JOIN inbox ON inbox.seq = outbox.entry
    WHERE inbox.platform = ? AND remote_id IN
"""

_KILL = """
    UPDATE outbox SET state = 'dead', error = ?, sent_at = CASE WHEN ? THEN sent_at END
    WHERE seq = ? AND state IN ('queued', 'sending')
"""

_KILL_REST = """
    UPDATE outbox SET state = 'dead', error = ?
    WHERE entry = ? AND kind <> 'progress' AND state IN ('queued', 'sending')
"""

_DROP_FILES = "DELETE FROM file WHERE part IN (SELECT seq FROM outbox WHERE entry = ?)"

# One whose bytes may have left is looked for, or marked as repeated; where it has that mark
# already, it is sent again under it.
_REVIVE = """
    UPDATE outbox
    SET state = CASE WHEN sent_at IS NULL OR possible_duplicate THEN 'queued' ELSE 'sending' END,
        tries = 0, not_before = 0, error = NULL
    WHERE entry = ? AND kind <> 'progress' AND state = 'dead'
"""

_DISCARD_DEAD = """
    DELETE FROM outbox WHERE entry = ? AND kind <> 'progress' AND state = 'dead'
"""

_DISCARD_UNSENT = """
    DELETE FROM outbox
    WHERE entry = ? AND kind <> 'progress' AND state IN ('queued', 'sending')
"""


def add(
    db: sqlite3.Connection,
    entry: int,
    said: Sequence[str | File],
    *,
    kind: PartKind,
    at: float,
    into: str | None = None,
) -> tuple[Part, ...]:
    """Insert a reply, its first part as sending already: that saves a sync before the post.

    *into* is the message that becomes the first part by an edit. Returns what was inserted.
    """
    added: list[Part] = []
    first: tuple[PartState, float | None, str | None] = (PartState.SENDING, at, into)
    for index, one in enumerate(said):
        state, sent_at, remote_id = (PartState.QUEUED, None, None) if index else first
        html, name = ("", one.name) if isinstance(one, File) else (storable(one), None)
        values = (entry, kind.value, html, state.value, at, sent_at, remote_id, storable(name))
        (row,) = db.execute(_ADD, values).fetchall()
        added.append(from_row(row))
        if isinstance(one, File):
            db.execute("INSERT INTO file (part, content) VALUES (?, ?)", (row["seq"], one.content))
    return tuple(added)


def content(db: sqlite3.Connection, seq: int) -> bytes | None:
    """Read the content of a part that is a file; None when it is not there any more."""
    row = db.execute("SELECT content FROM file WHERE part = ?", (seq,)).fetchone()
    return None if row is None else bytes(row["content"])


def mark_sending(db: sqlite3.Connection, seq: int, *, at: float) -> Part:
    """Record that the part's bytes are about to leave."""
    db.execute(_SENDING, (at, seq))
    return read(db, seq)


def mark_posted(db: sqlite3.Connection, seq: int, *, remote_id: str | None, at: float) -> None:
    """Record that the part stands in the room; a file is kept no longer."""
    db.execute(_POSTED, (remote_id, at, seq))
    db.execute("DELETE FROM file WHERE part = ?", (seq,))


def retry(db: sqlite3.Connection, seq: int, *, not_before: float, error: str) -> Part:
    """Record that the part did not arrive, and put it back."""
    db.execute(_RETRY, (not_before, storable(error), seq))
    return read(db, seq)


def mark_repeat(db: sqlite3.Connection, seq: int, *, at: float) -> Part:
    """Record that the part is sent again although it may have arrived."""
    db.execute(_REPEAT, (at, seq))
    return read(db, seq)


def kill(db: sqlite3.Connection, seq: int, *, error: str, uncertain: bool) -> Part:
    """Give the part up; remember when it is *uncertain* whether it arrived."""
    db.execute(_KILL, (storable(error), uncertain, seq))
    return read(db, seq)


def kill_rest(db: sqlite3.Connection, entry: int, *, error: str) -> None:
    """Give up what of *entry* has not left yet."""
    db.execute(_KILL_REST, (error, entry))


def drop_files(db: sqlite3.Connection, entry: int) -> None:
    """Delete the files of a reply of which nothing will be sent any more."""
    db.execute(_DROP_FILES, (entry,))


def revive(db: sqlite3.Connection, entry: int) -> None:
    """Have what of *entry* was given up sent after all."""
    db.execute(_REVIVE, (entry,))


def discard_dead(db: sqlite3.Connection, entry: int) -> None:
    """Forget what of *entry* was given up."""
    db.execute(_DISCARD_DEAD, (entry,))


def discard_unsent(db: sqlite3.Connection, entry: int) -> None:
    """Forget what was to be said about *entry* and was not: the caller knows that nothing left."""
    db.execute(_DISCARD_UNSENT, (entry,))


def unposted(db: sqlite3.Connection, entry: int) -> int:
    """Count the parts of the reply that do not stand in the room."""
    found: tuple[int] = db.execute(
        "SELECT count(*) FROM outbox WHERE entry = ? AND kind <> 'progress' AND state <> 'posted'",
        (entry,),
    ).fetchone()
    return found[0]


def posted_ids(db: sqlite3.Connection, *, platform: str, ids: Sequence[str]) -> frozenset[str]:
    """Return those of *ids* that are known as parts of ours."""
    known = f"{_POSTED_IDS} ({', '.join('?' * len(ids))})"
    return frozenset(row["remote_id"] for row in db.execute(known, (platform, *ids)))


def of_entry(db: sqlite3.Connection, entry: int) -> tuple[Part, ...]:
    """Read the reply to *entry* in order, without signs of progress."""
    rows = db.execute(
        "SELECT * FROM outbox WHERE entry = ? AND kind <> 'progress' ORDER BY number", (entry,)
    )
    return tuple(from_row(row) for row in rows)


def read(db: sqlite3.Connection, seq: int) -> Part:
    """Read one part."""
    row = db.execute("SELECT * FROM outbox WHERE seq = ?", (seq,)).fetchone()
    if row is None:
        raise LookupError(f"part {seq} is not in the outbox")
    return from_row(row)


def from_row(row: sqlite3.Row) -> Part:
    """Make a part of a row of the outbox."""
    return Part(
        seq=row["seq"],
        entry=row["entry"],
        number=row["number"],
        kind=PartKind(row["kind"]),
        html=row["html"],
        file=row["file"],
        state=PartState(row["state"]),
        remote_id=row["remote_id"],
        tries=row["tries"],
        not_before=row["not_before"],
        sent_at=row["sent_at"],
        possible_duplicate=bool(row["possible_duplicate"]),
        error=row["error"],
    )
