"""What is old goes, a slice at a time, so that nobody waits for it."""

import sqlite3

#: Rows of a slice; a slice holds the writer for some milliseconds.
SLICE = 200
#: What was off the record is known for so much longer, by its ids alone: for as long as a room's
#: talk may come along with a message, and a day.
OFF_RECORD_S = 8 * 86_400.0

_MESSAGES = """
    DELETE FROM inbox WHERE seq IN (
        SELECT seq FROM inbox
        WHERE state <> 'open' AND settled_at < ?1 AND (NOT off_record OR settled_at < ?2)
        ORDER BY settled_at LIMIT ?3
    )
"""

_EXCHANGES = """
    DELETE FROM history WHERE seq IN (
        SELECT seq FROM history WHERE settled_at < ? ORDER BY settled_at LIMIT ?
    )
"""


def expire_messages(db: sqlite3.Connection, *, before: float) -> int:
    """Delete settled messages with their attempts and parts; never an open one."""
    return db.execute(_MESSAGES, (before, before - OFF_RECORD_S, SLICE)).rowcount


def expire_exchanges(db: sqlite3.Connection, *, before: float) -> int:
    """Delete exchanges of the history."""
    return db.execute(_EXCHANGES, (before, SLICE)).rowcount
