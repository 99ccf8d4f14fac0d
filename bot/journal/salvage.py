"""Filling a fresh journal with the rows of a damaged one, so that they agree with each other."""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from typing import Final

from bot.journal.pages import Row, Value
from bot.journal.shapes import PROGRESS, Shape, shapes

#: SQLite's own table of the last numbers given out has rows of this length.
_SEQUENCE_COLUMNS: Final = 2
#: So many numbers are left out: those of rows that are lost must not name others.
_GAP: Final = 1_000_000

LOST_REPLY: Final = "its reply was lost with a damaged page of the journal; it may have been posted"

# What hangs on a message that is lost cannot be understood any more. Of a message, either the
# verdict or the reply may be lost, or come from before the other. Where a bot was spoken to, the
# messages show.
_MEND: Final = (
    "DELETE FROM attempts WHERE entry NOT IN (SELECT seq FROM inbox)",
    "DELETE FROM outbox WHERE entry NOT IN (SELECT seq FROM inbox)",
    """
    UPDATE inbox SET verdict = 'told' WHERE state = 'open' AND verdict IS NULL AND seq IN (
        SELECT entry FROM outbox WHERE kind <> 'progress' AND state IN ('queued', 'sending')
    )
    """,
    """
    UPDATE inbox SET verdict = 'answered'
    WHERE state = 'open' AND ifnull(verdict, 'told') = 'told' AND seq IN (
        SELECT entry FROM outbox WHERE kind = 'answer'
    )
    """,
    """
    INSERT OR IGNORE INTO place (platform, bot, room, room_name, direct, used_at)
    SELECT platform, bot, room, room_name, direct, max(accepted_at) FROM inbox
    GROUP BY platform, bot, room
    """,
)

_BURY: Final = """
    UPDATE inbox SET state = 'dead', reason = ?, settled_at = ?
    WHERE state = 'open' AND verdict IS NOT NULL AND seq NOT IN (
        SELECT entry FROM outbox WHERE kind <> 'progress'
    )
"""

# What was to be answered in a turn that is lost, or has ended, is owed one of its own.
_RELEASE: Final = """
    UPDATE inbox SET joined = NULL WHERE state = 'open' AND joined IS NOT NULL AND joined NOT IN (
        SELECT seq FROM inbox WHERE state = 'open' AND joined IS NULL
    )
"""

# Counters outlive their rows, so the higher number is the right one.
_COUNT: Final = (
    """
    UPDATE counters
    SET value = max(value, (SELECT count(*) FROM inbox WHERE state = counters.name))
    WHERE name <> 'accepted'
    """,
    """
    UPDATE counters SET value =
        (SELECT sum(value) FROM counters WHERE name <> 'accepted')
        + (SELECT count(*) FROM inbox WHERE state = 'open')
    WHERE name = 'accepted'
    """,
)


def salvage(db: sqlite3.Connection, rows: Iterable[Row], *, at: float) -> dict[str, int]:
    """Put *rows* into the fresh journal *db*; return how many are there then, by table.

    In one transaction, which is the caller's. *at* is the time for what is given up. Foreign keys
    must be off: rows come in any order.
    """
    filling = _Filling(db)
    for row in rows:
        filling.take(row)
    for statement in _MEND:
        db.execute(statement)
    db.execute(_BURY, (LOST_REPLY, at))
    db.execute(_RELEASE)
    for statement in _COUNT:
        db.execute(statement)
    filling.leave_a_gap()
    return filling.count()


class _Filling:
    """A journal that is being filled."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._shapes = shapes(db)
        #: Tables whose numbers are never given out twice, and the highest number seen of each.
        self._highest: Counter[str] = Counter()
        self._numbered = {shape.table for shape in self._shapes if shape.columns[0].number}
        #: How far a row had come that is in already.
        self._progress: dict[tuple[str, int], int] = {}

    def take(self, row: Row) -> None:
        """Put a row into the table that it fits; one that fits none is left out."""
        if self._is_sequence(row.values):
            return
        for shape in self._shapes:
            if shape.fits(row.values):
                self._insert(shape, row)
                return

    def leave_a_gap(self) -> None:
        """Never give out again what may have been given out before."""
        self._db.execute("DELETE FROM sqlite_sequence")
        self._db.executemany(
            "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)",
            [(table, self._highest[table] + _GAP) for table in sorted(self._numbered)],
        )

    def count(self) -> dict[str, int]:
        """Count the rows of each table."""
        return {
            shape.table: self._db.execute(f"SELECT count(*) FROM {shape.table}").fetchone()[0]  # noqa: S608 - only our own names
            for shape in self._shapes
            if shape.table != "counters"
        }

    def _is_sequence(self, values: tuple[Value, ...]) -> bool:
        """Note the last number of a table; False when *values* are something else."""
        if len(values) != _SEQUENCE_COLUMNS or values[0] not in self._numbered:
            return False
        table, last = values
        if isinstance(last, int):
            self._note(str(table), last)
        return True

    def _note(self, table: str, number: int) -> None:
        self._highest[table] = max(self._highest[table], number)

    def _insert(self, shape: Shape, row: Row) -> None:
        if shape.table == "counters":
            name, value = row.values
            self._db.execute(
                "UPDATE counters SET value = max(value, ?) WHERE name = ?", (value, name)
            )
            return
        self._note(shape.table, row.number)
        if self._is_news(shape, row):
            self._replace(shape, row)

    def _is_news(self, shape: Shape, row: Row) -> bool:
        """Whether the row is not in yet, or in an earlier state only."""
        states = PROGRESS.get(shape.table, ())
        place = shape.names.index("state") if states else 0
        # A column that is missing has its default, which is the first state.
        come = states.index(str(row.values[place])) if place < len(row.values) and states else 0
        known = self._progress.get((shape.table, row.number), -1)
        self._progress[shape.table, row.number] = max(come, known)
        return come > known

    def _replace(self, shape: Shape, row: Row) -> None:
        numbered = shape.columns[0].number
        values = (row.number, *row.values[1:]) if numbered else row.values
        names = ", ".join(shape.names[: len(values)])
        if numbered:
            self._db.execute(f"DELETE FROM {shape.table} WHERE seq = ?", (row.number,))  # noqa: S608 - only our own names
        # What breaks a rule of the table, as a second row of one message does, is left out.
        marks = ", ".join("?" * len(values))
        self._db.execute(
            f"INSERT OR IGNORE INTO {shape.table} ({names}) VALUES ({marks})",  # noqa: S608 - only our own names
            values,
        )
