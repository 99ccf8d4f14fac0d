"""What is old goes, a slice at a time, so that nobody waits for it."""

import sqlite3
from collections.abc import Callable
from functools import partial

from bot.journal import lives
from bot.journal.views import Expired
from bot.journal.writer import Writer

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


async def expire(writer: Writer, *, settled_before: float, history_before: float) -> Expired:
    """Delete what is older than these moments, in seconds since the epoch."""
    await writer.write(partial(lives.forget, before=settled_before))
    messages = partial(expire_messages, before=settled_before)
    exchanges = partial(expire_exchanges, before=history_before)
    return Expired(
        messages=await _in_slices(writer, messages), exchanges=await _in_slices(writer, exchanges)
    )


async def _in_slices(writer: Writer, delete: Callable[[sqlite3.Connection], int]) -> int:
    """Let others write between two slices."""
    deleted = 0
    while count := await writer.erase(delete):
        deleted += count
    return deleted
