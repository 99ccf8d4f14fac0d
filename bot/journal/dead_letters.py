"""Messages that were given up: read, opened again, or put aside. No other state is touched."""

import sqlite3
from collections.abc import Iterator

from bot.journal import attempts, counters, inbox, joined, outbox
from bot.journal.values import moment
from bot.journal.views import DeadLetter

_LISTED = """
    SELECT * FROM inbox WHERE state = 'dead' AND dropped_at IS NULL AND seq < ?
    ORDER BY seq DESC LIMIT ?
"""

_ONE = "SELECT * FROM inbox WHERE state = 'dead' AND seq = ?"

_REOPEN = """
    UPDATE inbox SET state = 'open', reason = NULL, settled_at = NULL, dropped_at = NULL
    WHERE seq = ?
"""

_UNDECIDE = "UPDATE inbox SET verdict = NULL, answer = NULL WHERE seq = ?"

_DROP = """
    UPDATE inbox SET dropped_at = ifnull(dropped_at, ?) WHERE seq = ? AND state = 'dead'
"""

_LAST = 2**63 - 1


def listed(db: sqlite3.Connection, *, limit: int, before: int | None) -> tuple[DeadLetter, ...]:
    """Read what was given up and not dropped, newest first, below the number *before*."""
    rows = db.execute(_LISTED, (_LAST if before is None else before, limit)).fetchall()
    return tuple(_letter(db, row) for row in rows)


def read(db: sqlite3.Connection, seq: int) -> DeadLetter | None:
    """Read one that was given up, dropped or not; None when it was not."""
    row = db.execute(_ONE, (seq,)).fetchone()
    return None if row is None else _letter(db, row)


def retry(db: sqlite3.Connection, seq: int) -> bool:
    """Owe the message again, and take it out of the counter of the dead ones.

    A frozen answer is posted, as far as it does not stand in the room; any other reply is
    forgotten, and the agent asked again. What was posted stays, and so do the attempts: an answer
    that is in the transcript is found there. What shares a turn has one reply, and is owed again
    together. What was off the record is gone, and so refused.
    """
    row = db.execute(_ONE, (seq,)).fetchone()
    if row is None or row["off_record"]:
        return False
    leader = _leader(db, row)
    letter = _letter(db, leader)
    for one in _turn(db, leader, asked=seq):
        db.execute(_REOPEN, (one,))
        counters.count_reopened(db)
        attempts.forgive(db, one)
    if letter.has_answer:
        outbox.revive(db, letter.entry.seq)
    else:
        outbox.discard_dead(db, letter.entry.seq)
        db.execute(_UNDECIDE, (letter.entry.seq,))
    return True


def _leader(db: sqlite3.Connection, row: sqlite3.Row) -> sqlite3.Row:
    """Read in whose turn a dead letter is tried again; its own when the other stays dead."""
    leader = joined.leader(db, row)
    if leader["state"] == "dead" and leader["dropped_at"] is None:
        return leader
    joined.release(db, row["seq"])
    found: sqlite3.Row = db.execute(_ONE, (row["seq"],)).fetchone()
    return found


def _turn(db: sqlite3.Connection, leader: sqlite3.Row, *, asked: int) -> Iterator[int]:
    """Yield what is tried again: nothing that the operator dropped, but for the one *asked* for."""
    yield leader["seq"]
    for one in joined.companions(db, leader):
        if one["dropped_at"] is None or one["seq"] == asked:
            yield one["seq"]
        else:
            joined.release(db, one["seq"])


def drop(db: sqlite3.Connection, seq: int, *, at: float) -> bool:
    """Take it off the list. It stays a dead one in the equation, and can still be retried."""
    return db.execute(_DROP, (at, seq)).rowcount > 0


def _letter(db: sqlite3.Connection, row: sqlite3.Row) -> DeadLetter:
    return DeadLetter(
        entry=inbox.from_row(db, row),
        reason=row["reason"],
        settled_at=moment(row["settled_at"]),
        dropped_at=None if row["dropped_at"] is None else moment(row["dropped_at"]),
    )
