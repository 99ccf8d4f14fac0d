"""Answered messages, kept for the recap of a lost session; with a retention of their own."""

import sqlite3

from bot.journal.values import moment
from bot.records import Exchange, Person

_RECORD = """
    INSERT INTO history
        (platform, bot, room, author_id, author_name, question, answer, position, settled_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

# Said before somebody began anew, and answered since.
_FORGOTTEN = """
    SELECT 1 FROM horizon
    WHERE platform = ? AND bot = ? AND room = ? AND user IN ('', ?) AND position > ?
"""

_RECENT = """
    SELECT * FROM history
    WHERE platform = ?1 AND bot = ?2 AND room = ?3 AND (?4 IS NULL OR author_id = ?4)
    ORDER BY seq DESC LIMIT ?5
"""

_FORGET = """
    DELETE FROM history
    WHERE platform = ?1 AND bot = ?2 AND room = ?3 AND (?4 IS NULL OR author_id = ?4)
    AND (?5 IS NULL OR position < ?5)
"""


def record(db: sqlite3.Connection, inbox: sqlite3.Row, *, at: float) -> None:
    """Copy a row of the inbox, with its answer, at the moment it is settled."""
    place = ("platform", "bot", "room", "author_id", "position")
    if db.execute(_FORGOTTEN, [inbox[column] for column in place]).fetchone() is not None:
        return
    columns = ("platform", "bot", "room", "author_id", "author_name", "text", "answer", "position")
    db.execute(_RECORD, (*(inbox[column] for column in columns), at))


def recent(
    db: sqlite3.Connection, *, platform: str, bot: str, room: str, user: str | None, limit: int
) -> tuple[Exchange, ...]:
    """Read the last exchanges of a room, or of one person in it, newest last."""
    rows = db.execute(_RECENT, (platform, bot, room, user, limit)).fetchall()
    return tuple(_exchange(row) for row in reversed(rows))


def forget(
    db: sqlite3.Connection,
    *,
    platform: str,
    bot: str,
    room: str,
    user: str | None,
    before: int | None = None,
) -> int:
    """Delete the exchanges of a room, or of one person in it; return how many those were.

    Only those asked at a position *before* that, if it is given.
    """
    return db.execute(_FORGET, (platform, bot, room, user, before)).rowcount


def _exchange(row: sqlite3.Row) -> Exchange:
    return Exchange(
        platform=row["platform"],
        bot=row["bot"],
        room=row["room"],
        author=Person(id=row["author_id"], name=row["author_name"]),
        question=row["question"],
        answer=row["answer"],
        settled_at=moment(row["settled_at"]),
    )
