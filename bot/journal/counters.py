"""How many messages came to what end, for ever. Survives retention.

They only grow, but for ``dead``: a dead letter that is opened again is taken out of it, since it
will come to another end. ``accepted`` is counted by a trigger of the inbox.
"""

import sqlite3

from bot.journal.views import Tally
from bot.records import Outcome


def count_settled(db: sqlite3.Connection, outcome: Outcome) -> None:
    """Belongs into the transaction that changes the message's state."""
    db.execute("UPDATE counters SET value = value + 1 WHERE name = ?", (outcome.value,))


def count_reopened(db: sqlite3.Connection) -> None:
    """Belongs into the transaction that opens a dead letter again."""
    db.execute("UPDATE counters SET value = value - 1 WHERE name = 'dead'")


def tally(db: sqlite3.Connection) -> Tally:
    """Read the equation. What is open is counted from the rows, so that it can be wrong."""
    counters = dict(db.execute("SELECT name, value FROM counters"))
    (waiting,) = db.execute("SELECT count(*) FROM inbox WHERE state = 'open'").fetchone()
    return Tally(
        accepted=counters["accepted"],
        answered=counters["answered"],
        told=counters["told"],
        stopped=counters["stopped"],
        skipped=counters["skipped"],
        dead=counters["dead"],
        open=waiting,
    )
