"""Authors whom a platform calls bots, ours and other servers'."""

import sqlite3
from collections.abc import Mapping

from bot.journal.values import storable

_ADD = """
    INSERT INTO known_bot (platform, author_id, author_name) VALUES (?, ?, ?)
    ON CONFLICT (platform, author_id) DO UPDATE SET author_name = excluded.author_name
"""


def add(db: sqlite3.Connection, platform: str, bots: Mapping[str, str]) -> None:
    """Remember *bots*: their ids, and what they are called now."""
    db.executemany(_ADD, [(platform, bot, storable(name)) for bot, name in bots.items()])


def has(db: sqlite3.Connection, platform: str, author: str) -> bool:
    """Whether *author* is known to be a bot."""
    known = "SELECT 1 FROM known_bot WHERE platform = ? AND author_id = ?"
    return db.execute(known, (platform, author)).fetchone() is not None
