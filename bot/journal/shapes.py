"""Which table a row belongs to that was found without its table: the one whose columns it fits."""

import sqlite3
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Final

from bot.journal.pages import Value
from bot.records import AttemptState, MessageKind, Outcome, PartKind, PartState

_OPEN: Final = "open"
_OUTCOMES: Final = tuple(outcome.value for outcome in Outcome)

#: What is saved; which nodes live is written anew at every start.
TABLES: Final = (
    "inbox",
    "attempts",
    "outbox",
    "history",
    "room",
    "place",
    "known_bot",
    "horizon",
    "halt",
    "life",
    "counters",
)
#: What a row has come to, from its first state to its last. Where a page is found in two versions,
#: the later state is the newer one.
PROGRESS: Final[dict[str, tuple[str, ...]]] = {
    "inbox": (_OPEN, *_OUTCOMES),
    "attempts": tuple(AttemptState),
    "outbox": tuple(PartState),
}
#: Columns that hold one of a few words.
_WORDS: Final[dict[tuple[str, str], Container[object]]] = {
    ("inbox", "kind"): frozenset(MessageKind),
    ("inbox", "state"): PROGRESS["inbox"],
    ("inbox", "verdict"): _OUTCOMES,
    ("attempts", "state"): PROGRESS["attempts"],
    ("outbox", "kind"): frozenset(PartKind),
    ("outbox", "state"): PROGRESS["outbox"],
    ("counters", "name"): ("accepted", *_OUTCOMES),
}
_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "INTEGER": (int,),
    "REAL": (float, int),  # a whole number is stored as an integer
    "TEXT": (str,),
}
#: All our real numbers are times; this one is in the year 5138.
_LATEST: Final = 1e11


@dataclass(frozen=True, kw_only=True, slots=True)
class _Column:
    name: str
    type: str
    #: Whether NULL is no value of it.
    required: bool
    #: Whether a row may end before it: it came later than the row, with a default.
    optional: bool
    #: Whether it is the row's number, for which NULL is stored.
    number: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """A table as its rows show it."""

    table: str
    columns: tuple[_Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    def fits(self, values: Sequence[Value]) -> bool:
        """Whether a row with these values may be one of this table."""
        return (
            len(values) <= len(self.columns)
            and all(column.optional for column in self.columns[len(values) :])
            and all(map(self._may_hold, self.columns, values))
        )

    def _may_hold(self, column: _Column, value: Value) -> bool:
        if column.number or value is None:
            return value is None and (column.number or not column.required)
        words = _WORDS.get((self.table, column.name))
        return (
            isinstance(value, _KINDS[column.type])
            and (column.type != "REAL" or 0 <= float(value) < _LATEST)
            and (words is None or value in words)
        )


def shapes(db: sqlite3.Connection) -> tuple[Shape, ...]:
    """Read the shapes of the tables in a journal that is sound."""
    return tuple(
        Shape(table=table, columns=tuple(map(_column, db.execute(f"PRAGMA table_info({table})"))))
        for table in TABLES
    )


def _column(row: sqlite3.Row) -> _Column:
    _, name, type_, not_null, default, key = row
    return _Column(
        name=name,
        type=type_,
        required=bool(not_null or key),
        optional=default is not None or not (not_null or key),
        number=bool(key) and type_ == "INTEGER",
    )
