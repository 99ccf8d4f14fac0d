"""What a room sees of a turn that is under way: the parts of the outbox that are progress.

A row is there as long as something may stand in the room that must be brought to an end, or must
not be shown again. What has left is never shown a second time, so a reaction is ``posted`` from the
beginning; a message is ``sending`` until its id is known.
"""

import sqlite3
from collections.abc import Callable
from functools import partial

from bot.journal import inbox, outbox
from bot.journal.values import storable
from bot.journal.views import LeftSign
from bot.journal.writer import Writer
from bot.records import Entry, Outcome, Part, PartState, Sign

_CLAIM = """
    INSERT INTO outbox (entry, number, kind, html, state, created_at, sent_at)
    SELECT ?1, ?2, 'progress', ?3, ?4, ?5, ?5
    WHERE EXISTS (SELECT 1 FROM inbox WHERE seq = ?1 AND state = 'open')
    ON CONFLICT (entry, kind, number) DO NOTHING RETURNING *
"""

_READ = "SELECT * FROM outbox WHERE entry = ? AND kind = 'progress' AND number = ?"

_RENEW = """
    UPDATE outbox SET html = ?, sent_at = ? WHERE seq = ? AND state = 'sending' RETURNING *
"""

# A message that is opened again, and ends again, has ended before.
_END = """
    UPDATE OR REPLACE outbox SET number = ?, html = ?
    WHERE entry = ? AND kind = 'progress' AND number = ?
"""

_DETACH = """
    UPDATE outbox SET remote_id = NULL WHERE seq = ? AND state = 'sending' RETURNING *
"""

# What became a part of the reply is no placeholder any more, as soon as that part stands there.
_FORGET_REPLIES = """
    DELETE FROM outbox
    WHERE kind = 'progress' AND number < 2 AND state <> 'dead' AND number = 0
    AND EXISTS (
        SELECT 1 FROM outbox AS part
        WHERE part.entry = outbox.entry AND part.kind <> 'progress' AND part.state = 'posted'
        AND part.remote_id = outbox.remote_id
    )
"""

_LEFT = """
    SELECT outbox.seq AS sign, inbox.*
    FROM outbox CROSS JOIN inbox ON inbox.seq = outbox.entry
    WHERE outbox.kind = 'progress' AND outbox.number < 2 AND outbox.state <> 'dead'
    AND inbox.state <> 'open' AND outbox.not_before <= ?
    ORDER BY outbox.seq LIMIT 100
"""

# Few messages are open: the index of those knows their numbers.
_UNSEEN = """
    SELECT * FROM inbox INDEXED BY inbox_open
    WHERE state = 'open' AND seq > ? AND accepted_at <= ?
    AND verdict IS NULL AND kind <> 'bare' AND lane NOT LIKE '!%'
    AND NOT EXISTS (
        SELECT 1 FROM outbox WHERE entry = inbox.seq AND kind = 'progress' AND number IN (1, 3)
    )
    ORDER BY seq LIMIT ?
"""

_PUT_OFF = "UPDATE outbox SET tries = tries + 1, not_before = ?, error = ? WHERE seq = ?"

_GIVE_UP = "UPDATE outbox SET state = 'dead', error = ? WHERE seq = ?"

_UNKNOWN = """
    SELECT outbox.html FROM outbox JOIN inbox ON inbox.seq = outbox.entry
    WHERE inbox.platform = ? AND inbox.bot = ? AND inbox.room = ?
    AND outbox.kind = 'progress' AND outbox.number IN (0, 2)
    AND outbox.state <> 'posted' AND outbox.remote_id IS NULL AND outbox.seq <> ?
"""


class Signs:
    """The signs of progress; every method is one transaction, as the journal's are."""

    def __init__(self, writer: Writer, *, now: Callable[[], float]) -> None:
        self._writer = writer
        self._now = now

    async def claim(self, entry: Entry, sign: Sign, html: str) -> Part | None:
        """Record that *sign* is about to be shown.

        None when it was before, perhaps in vain, and when the message has ended.
        """
        operation = partial(_claim, entry=entry.seq, sign=sign, html=html, at=self._now())
        return await self._writer.write(operation)

    async def placeholder(self, entry: Entry) -> Part | None:
        """Read the placeholder of *entry*; without an id, it is not known whether it is there."""
        return await self._writer.read(partial(_placeholder, entry=entry.seq))

    async def renew(self, part: Part, html: str) -> Part | None:
        """Record that a placeholder that has not arrived is about to be sent again."""
        at = self._now()
        return await self._writer.write(
            partial(_first, statement=_RENEW, values=(storable(html), at, part.seq))
        )

    async def end(self, entry: Entry, reaction: str) -> bool:
        """Record that the room is about to be shown how it ended; False: it was, or never began."""
        values = (Sign.ENDED.value, reaction, entry.seq, Sign.SEEN.value)
        return bool(await self._writer.write(partial(_change, statement=_END, values=values)))

    async def detach(self, part: Part) -> Part | None:
        """Have a part posted after all: its placeholder cannot become it."""
        return await self._writer.write(partial(_first, statement=_DETACH, values=(part.seq,)))

    async def left(self) -> tuple[LeftSign, ...]:
        """Read what still shows a turn under way that has ended, and is due."""
        return await self._writer.write(partial(_left, at=self._now()))

    async def unseen(self, *, after: int, before: float, limit: int) -> tuple[Entry, ...]:
        """Read what is not answered, nor reacted to, by its number: what comes *after* one.

        Only what was accepted *before* a moment; no command, nor what is refused.
        """
        values = (after, before, limit)
        return await self._writer.read(partial(_unseen, values=values))

    async def put_off(self, part: Part, *, not_before: float, error: str) -> None:
        """Try again then to bring *part* to its end."""
        values = (not_before, storable(error), part.seq)
        await self._writer.write(partial(_change, statement=_PUT_OFF, values=values))

    async def give_up(self, part: Part, *, error: str) -> None:
        """Leave *part* in the room."""
        await self._writer.write(
            partial(_change, statement=_GIVE_UP, values=(storable(error), part.seq))
        )

    async def forget(self, part: Part) -> None:
        """Delete what is not in the room, or not any more."""
        delete = "DELETE FROM outbox WHERE seq = ? AND kind = 'progress'"
        await self._writer.write(partial(_change, statement=delete, values=(part.seq,)))

    async def unknown(self, entry: Entry, *, but: Part) -> tuple[str, ...]:
        """Read the signs in a room of which nobody knows whether they are there, without one."""
        message = entry.message
        values = (message.platform, message.bot, message.room, but.seq)
        return await self._writer.read(partial(_unknown, values=values))


def _claim(db: sqlite3.Connection, *, entry: int, sign: Sign, html: str, at: float) -> Part | None:
    reaction = sign in (Sign.SEEN, Sign.ENDED)
    state = PartState.POSTED if reaction else PartState.SENDING
    values = (entry, sign.value, storable(html), state.value, at)
    return _first(db, statement=_CLAIM, values=values)


def _placeholder(db: sqlite3.Connection, *, entry: int) -> Part | None:
    return _first(db, statement=_READ, values=(entry, Sign.PLACEHOLDER.value))


def _first(db: sqlite3.Connection, *, statement: str, values: tuple[object, ...]) -> Part | None:
    rows = db.execute(statement, values).fetchall()
    return outbox.from_row(rows[0]) if rows else None


def _change(db: sqlite3.Connection, *, statement: str, values: tuple[object, ...]) -> int:
    return db.execute(statement, values).rowcount


def _left(db: sqlite3.Connection, *, at: float) -> tuple[LeftSign, ...]:
    db.execute(_FORGET_REPLIES)
    return tuple(
        LeftSign(
            part=outbox.read(db, row["sign"]),
            entry=inbox.from_row(db, row),
            outcome=Outcome(row["state"]),
        )
        for row in db.execute(_LEFT, (at,)).fetchall()
    )


def _unseen(db: sqlite3.Connection, *, values: tuple[int | float, ...]) -> tuple[Entry, ...]:
    return tuple(inbox.from_row(db, row) for row in db.execute(_UNSEEN, values).fetchall())


def _unknown(db: sqlite3.Connection, *, values: tuple[object, ...]) -> tuple[str, ...]:
    return tuple(row["html"] for row in db.execute(_UNKNOWN, values))
