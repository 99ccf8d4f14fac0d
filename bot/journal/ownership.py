"""Which node serves a lane. With an embedded journal there is one node, which takes them all."""

import sqlite3

from bot.journal import attempts


def join(db: sqlite3.Connection, lane: str, *, node: str) -> None:
    """Make *lane* known; whoever accepts its first message serves it."""
    db.execute("INSERT INTO room (lane, owner) VALUES (?, ?) ON CONFLICT DO NOTHING", (lane, node))


def take(db: sqlite3.Connection, *, node: str, at: float) -> int:
    """Give every lane to *node*, in a new epoch; return how many attempts that interrupted."""
    db.execute("UPDATE room SET owner = ?, epoch = epoch + 1", (node,))
    beat(db, node=node, at=at)
    return attempts.interrupt_running(db, at=at)


def beat(db: sqlite3.Connection, *, node: str, at: float) -> None:
    """Say that *node* lives."""
    db.execute(
        "INSERT INTO node (id, beat) VALUES (?, ?)"
        " ON CONFLICT (id) DO UPDATE SET beat = excluded.beat",
        (node, at),
    )
