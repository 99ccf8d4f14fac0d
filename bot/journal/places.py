"""Where each bot was spoken to, and how far its history was read there."""

import sqlite3
from collections.abc import Iterable
from functools import partial

from bot.journal.values import storable
from bot.journal.views import Place
from bot.journal.writer import Writer
from bot.records import Message

_VISIT = """
    INSERT INTO place (platform, bot, room, room_name, direct, used_at) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (platform, bot, room) DO UPDATE SET
        room_name = excluded.room_name, direct = excluded.direct, used_at = excluded.used_at
"""

_FIRST_HEARD = """
    SELECT message_id FROM inbox
    WHERE platform = ? AND bot = ? AND room = ? AND accepted_at >= ?
    ORDER BY position, seq LIMIT 1
"""


def visit(db: sqlite3.Connection, messages: Iterable[Message], *, at: float) -> None:
    """Make known where *messages* were said; belongs into the transaction that accepts them."""
    newest = {(message.platform, message.bot, message.room): message for message in messages}
    db.executemany(
        _VISIT,
        [
            (*place, storable(message.room_name), int(message.direct), at)
            for place, message in newest.items()
        ],
    )


class Places:
    """The places, for whoever reads what was missed."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def used_since(self, since: float) -> tuple[Place, ...]:
        """Read the places used since then (seconds since the epoch), those used last first."""
        return await self._writer.read(partial(_used_since, since=since))

    async def first_heard(self, place: Place, *, since: float) -> str | None:
        """Name the first message, by position, that was accepted of *place* since then."""
        return await self._writer.read(partial(_first_heard, place=place, since=since))

    async def move_cursor(self, place: Place, cursor: str) -> None:
        """Record that the history of *place* was read up to the message *cursor*."""
        await self._writer.write(partial(_move_cursor, place=place, cursor=cursor))


def _used_since(db: sqlite3.Connection, since: float) -> tuple[Place, ...]:
    rows = db.execute("SELECT * FROM place WHERE used_at >= ? ORDER BY used_at DESC", (since,))
    return tuple(
        Place(
            platform=row["platform"],
            bot=row["bot"],
            room=row["room"],
            room_name=row["room_name"],
            direct=bool(row["direct"]),
            cursor=row["cursor"],
        )
        for row in rows
    )


def _first_heard(db: sqlite3.Connection, *, place: Place, since: float) -> str | None:
    values = (place.platform, place.bot, place.room, since)
    row = db.execute(_FIRST_HEARD, values).fetchone()
    return None if row is None else str(row["message_id"])


def _move_cursor(db: sqlite3.Connection, place: Place, cursor: str) -> None:
    db.execute(
        "UPDATE place SET cursor = ? WHERE platform = ? AND bot = ? AND room = ?",
        (cursor, place.platform, place.bot, place.room),
    )
