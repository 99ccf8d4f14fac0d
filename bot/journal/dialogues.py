"""What was said between a bot and a room lately; and which authors are bots."""

import sqlite3
from collections.abc import Iterable
from functools import partial
from typing import Final

from bot.journal import history, known_bots
from bot.journal.views import Dialogue, Hold, Round
from bot.journal.writer import Writer
from bot.records import LOOP_GUARD, LOOP_GUARD_PACE, Exchange, Message, RoomMessage

#: Characters; whether two texts are alike shows at their beginning. HTML has more around them.
_TEXT: Final = 300
_REPLY: Final = 900

_HELD: Final = f"reason IN ('{LOOP_GUARD}', '{LOOP_GUARD_PACE}')"

_ROUNDS: Final = f"""
    SELECT author_id, accepted_at, settled_at,
        CASE WHEN NOT off_record THEN substr(text, 1, {_TEXT}) END AS text,
        EXISTS (
            SELECT 1 FROM known_bot AS known
            WHERE known.platform = inbox.platform AND known.author_id = inbox.author_id
        ) AS by_bot,
        (
            SELECT substr(html, 1, {_REPLY}) FROM outbox
            WHERE entry = inbox.seq AND kind <> 'progress' ORDER BY number LIMIT 1
        ) AS reply
    FROM inbox
    WHERE platform = ? AND bot = ? AND room = ? AND state IN ('answered', 'told')
        AND (reason IS NULL OR NOT {_HELD})
    ORDER BY settled_at DESC, seq DESC LIMIT ?
"""  # noqa: S608 - only our own names

_HOLD: Final = f"""
    SELECT author_id, substr(text, 1, {_TEXT}) AS text, reason, settled_at FROM inbox
    WHERE platform = ? AND bot = ? AND room = ? AND {_HELD} AND state <> 'open'
    ORDER BY settled_at DESC LIMIT 1
"""  # noqa: S608 - only our own names


class Dialogues:
    """The dialogues of all bots."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        #: Platform and id of bots that this process has written down.
        self._noted: set[tuple[str, str]] = set()

    async def before(self, message: Message, *, most: int) -> Dialogue:
        """Read what went before *message* between its bot and its room, *most* rounds of it."""
        return await self._writer.read(partial(_before, message=message, most=most))

    async def recent(
        self, *, platform: str, bot: str, room: str, user: str | None, limit: int
    ) -> tuple[Exchange, ...]:
        """Read the last exchanges of a room, or of one person in it, newest last."""
        read = partial(history.recent, platform=platform, bot=bot, room=room)
        return await self._writer.read(partial(read, user=user, limit=limit))

    async def note_bots(self, platform: str, found: Iterable[RoomMessage]) -> None:
        """Remember who of those that wrote in a room is a bot, by what the platform says."""
        new = {
            message.author.id: message.author.name
            for message in found
            if message.by_bot and (platform, message.author.id) not in self._noted
        }
        if new:
            await self._writer.write(partial(known_bots.add, platform=platform, bots=new))
            self._noted |= {(platform, bot) for bot in new}


def _before(db: sqlite3.Connection, message: Message, most: int) -> Dialogue:
    where = (message.platform, message.bot, message.room)
    held = db.execute(_HOLD, where).fetchone()
    return Dialogue(
        by_bot=known_bots.has(db, message.platform, message.author.id),
        rounds=tuple(map(_round, db.execute(_ROUNDS, (*where, most)))),
        hold=None if held is None else _hold(held),
    )


def _hold(row: sqlite3.Row) -> Hold:
    return Hold(
        author=row["author_id"], text=row["text"], reason=row["reason"], at=row["settled_at"]
    )


def _round(row: sqlite3.Row) -> Round:
    return Round(
        author=row["author_id"],
        by_bot=bool(row["by_bot"]),
        text=row["text"],
        reply=row["reply"] or "",
        accepted_at=row["accepted_at"],
        settled_at=row["settled_at"],
    )
