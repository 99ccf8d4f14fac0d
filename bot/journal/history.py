"""Answered messages, kept for the recap of a lost session; with a retention of their own."""

import sqlite3
from collections.abc import Sequence

from bot.journal.values import moment
from bot.records import Exchange, Person

_RECORD = """
    INSERT INTO history
        (platform, bot, room, author_id, author_name, question, answer, settled_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
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
"""


def record(db: sqlite3.Connection, turn: Sequence[sqlite3.Row], *, answer: str, at: float) -> None:
    """Copy the messages of a turn, at the moment they are settled, with *answer* after the last."""
    columns = ("platform", "bot", "room", "author_id", "author_name", "text")
    *before, last = sorted(turn, key=lambda row: (row["position"], row["seq"]))
    for row, said in (*((row, None) for row in before), (last, answer)):
        db.execute(_RECORD, (*(row[column] for column in columns), said, at))


def recent(
    db: sqlite3.Connection, *, platform: str, bot: str, room: str, user: str | None, limit: int
) -> tuple[Exchange, ...]:
    """Read the last exchanges of a room, or of one person in it, newest last.

    So many that have an answer of their own, and what was answered with them.
    """
    rows = db.execute(_RECENT, (platform, bot, room, user, limit)).fetchall()
    return tuple(_exchange(row) for row in reversed(rows))


def forget(db: sqlite3.Connection, *, platform: str, bot: str, room: str, user: str | None) -> int:
    """Delete the exchanges of a room, or of one person in it; return how many those were."""
    return db.execute(_FORGET, (platform, bot, room, user)).rowcount


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
