"""Answered messages, kept for the recap of a lost session; with a retention of their own."""

import sqlite3
from collections.abc import Sequence

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
    AND seq > ifnull((
        SELECT seq FROM history
        WHERE platform = ?1 AND bot = ?2 AND room = ?3 AND (?4 IS NULL OR author_id = ?4)
        AND answer IS NOT NULL
        ORDER BY seq DESC LIMIT 1 OFFSET ?5
    ), 0)
    ORDER BY seq DESC
"""

_FORGET = """
    DELETE FROM history
    WHERE platform = ?1 AND bot = ?2 AND room = ?3 AND (?4 IS NULL OR author_id = ?4)
    AND position < ?5
"""


def record(db: sqlite3.Connection, turn: Sequence[sqlite3.Row], *, answer: str, at: float) -> None:
    """Copy the messages of a turn, at the moment they are settled, with *answer* after the last."""
    remembered = [row for row in turn if not _forgotten(db, row)]
    remembered.sort(key=lambda row: (row["position"], row["seq"]))
    columns = ("platform", "bot", "room", "author_id", "author_name", "text")
    for row in remembered:
        said = answer if row is remembered[-1] else None
        place = (row[column] for column in columns)
        db.execute(_RECORD, (*place, said, row["position"], at))


def _forgotten(db: sqlite3.Connection, row: sqlite3.Row) -> bool:
    place = ("platform", "bot", "room", "author_id", "position")
    return db.execute(_FORGOTTEN, [row[column] for column in place]).fetchone() is not None


def recent(
    db: sqlite3.Connection, *, platform: str, bot: str, room: str, user: str | None, limit: int
) -> tuple[Exchange, ...]:
    """Read the last exchanges of a room, or of one person in it, newest last.

    So many that have an answer of their own, and what was answered with them.
    """
    rows = db.execute(_RECENT, (platform, bot, room, user, limit)).fetchall()
    return tuple(_exchange(row) for row in reversed(rows))


def forget(
    db: sqlite3.Connection,
    *,
    platform: str,
    bot: str,
    room: str,
    user: str | None,
    before: int,
) -> None:
    """Delete the exchanges of a room, or of one person in it, asked at a position *before* that."""
    db.execute(_FORGET, (platform, bot, room, user, before))


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
