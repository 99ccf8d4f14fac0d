"""Which node serves a lane. With an embedded journal there is one node, which takes them all."""

import sqlite3
from pathlib import Path

from bot.journal import attempts, lives
from bot.journal.lock import last_life


def join(db: sqlite3.Connection, lane: str, *, node: str) -> None:
    """Make *lane* known; whoever accepts its first message serves it."""
    db.execute("INSERT INTO room (lane, owner) VALUES (?, ?) ON CONFLICT DO NOTHING", (lane, node))


def take(db: sqlite3.Connection, *, node: str, lock: Path, at: float) -> int:
    """Give every lane to *node*, in a new epoch; return how many attempts that interrupted.

    The file *lock* says when the server before was last seen to live.
    """
    db.execute("UPDATE room SET owner = ?, epoch = epoch + 1", (node,))
    beat(db, node=node, at=at)
    interrupted = attempts.interrupt_running(db, seen=last_life(lock), at=at)
    lives.begin(db, at=at)
    return interrupted


def stop(db: sqlite3.Connection, *, at: float) -> None:
    """Note that the server is told to stop: what ends in a turn now has not crashed it."""
    attempts.excuse_running(db, at=at)
    lives.stop(db, at=at)


def beat(db: sqlite3.Connection, *, node: str, at: float) -> None:
    """Say that *node* lives."""
    db.execute(
        "INSERT INTO node (id, beat) VALUES (?, ?)"
        " ON CONFLICT (id) DO UPDATE SET beat = excluded.beat",
        (node, at),
    )
