"""What Hearth says: parts of replies, and how far each has come.

A part moves ``queued -> sending -> posted``, back to ``queued`` when a try failed, and to
``dead`` when it is given up. A step that does not fit changes nothing: each function
returns the part as it stands, and only one that is ``sending`` may leave.
"""

import sqlite3
from collections.abc import Sequence

from bot.journal.values import storable
from bot.records import Part, PartKind, PartState

_ADD = """
    INSERT INTO outbox (entry, number, kind, html, state, baseline, created_at, sent_at)
    VALUES (?, ?, ?, ?, ?, (SELECT baseline FROM attempts WHERE seq = ?), ?, ?)
"""

# `sent_at` is overwritten by each try: it says when the bytes that may have left did so.
_SENDING = """
    UPDATE outbox SET state = 'sending', sent_at = ? WHERE seq = ? AND state = 'queued'
"""

# That it stands in the room is a fact, whatever was decided about it meanwhile.
_POSTED = """
    UPDATE outbox SET state = 'posted', remote_id = ?, posted_at = ?
    WHERE seq = ? AND state <> 'posted'
"""

_RETRY = """
    UPDATE outbox SET state = 'queued', tries = tries + 1, not_before = ?, error = ?
    WHERE seq = ? AND state = 'sending'
"""

_REPEAT = """
    UPDATE outbox SET possible_duplicate = 1, tries = tries + 1, sent_at = ?
    WHERE seq = ? AND state = 'sending'
"""

_KILL = """
    UPDATE outbox SET state = 'dead', error = ? WHERE seq = ? AND state IN ('queued', 'sending')
"""

_KILL_REST = """
    UPDATE outbox SET state = 'dead', error = ? WHERE entry = ? AND state IN ('queued', 'sending')
"""


def add(
    db: sqlite3.Connection,
    entry: int,
    htmls: Sequence[str],
    *,
    kind: PartKind,
    attempt: int | None,
    at: float,
) -> None:
    """Insert a reply, its first part as sending already: that saves a sync before the post."""
    for number, html in enumerate(htmls):
        state, sent_at = (PartState.QUEUED, None) if number else (PartState.SENDING, at)
        values = (entry, number, kind.value, storable(html), state.value, attempt, at, sent_at)
        db.execute(_ADD, values)


def mark_sending(db: sqlite3.Connection, seq: int, *, at: float) -> Part:
    """Record that the part's bytes are about to leave."""
    db.execute(_SENDING, (at, seq))
    return _read(db, seq)


def mark_posted(db: sqlite3.Connection, seq: int, *, remote_id: str | None, at: float) -> None:
    """Record that the part stands in the room."""
    db.execute(_POSTED, (remote_id, at, seq))


def retry(db: sqlite3.Connection, seq: int, *, not_before: float, error: str) -> Part:
    """Record that the part did not arrive, and put it back."""
    db.execute(_RETRY, (not_before, storable(error), seq))
    return _read(db, seq)


def mark_repeat(db: sqlite3.Connection, seq: int, *, at: float) -> Part:
    """Record that the part is sent again although it may have arrived."""
    db.execute(_REPEAT, (at, seq))
    return _read(db, seq)


def kill(db: sqlite3.Connection, seq: int, *, error: str) -> Part:
    """Give the part up."""
    db.execute(_KILL, (storable(error), seq))
    return _read(db, seq)


def kill_rest(db: sqlite3.Connection, entry: int, *, error: str) -> None:
    """Give up what of *entry* has not left yet."""
    db.execute(_KILL_REST, (error, entry))


def unposted(db: sqlite3.Connection, entry: int) -> int:
    """Count the parts of the reply that do not stand in the room."""
    found: tuple[int] = db.execute(
        "SELECT count(*) FROM outbox WHERE entry = ? AND kind <> 'progress' AND state <> 'posted'",
        (entry,),
    ).fetchone()
    return found[0]


def baseline(db: sqlite3.Connection, seq: int) -> str | None:
    """Read the newest message the room had before the part's attempt."""
    row = db.execute("SELECT baseline FROM outbox WHERE seq = ?", (seq,)).fetchone()
    return None if row is None else row["baseline"]


def of_entry(db: sqlite3.Connection, entry: int) -> tuple[Part, ...]:
    """Read the reply to *entry* in order, without signs of progress."""
    rows = db.execute(
        "SELECT * FROM outbox WHERE entry = ? AND kind <> 'progress' ORDER BY number", (entry,)
    )
    return tuple(_part(row) for row in rows)


def _read(db: sqlite3.Connection, seq: int) -> Part:
    row = db.execute("SELECT * FROM outbox WHERE seq = ?", (seq,)).fetchone()
    if row is None:
        raise LookupError(f"part {seq} is not in the outbox")
    return _part(row)


def _part(row: sqlite3.Row) -> Part:
    return Part(
        seq=row["seq"],
        entry=row["entry"],
        number=row["number"],
        kind=PartKind(row["kind"]),
        html=row["html"],
        state=PartState(row["state"]),
        remote_id=row["remote_id"],
        tries=row["tries"],
        not_before=row["not_before"],
        possible_duplicate=bool(row["possible_duplicate"]),
        error=row["error"],
    )
