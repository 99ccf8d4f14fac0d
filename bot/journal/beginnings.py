"""Attempts that begin with their messages: one commit records both, and spares the turn a sync."""

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from bot.journal import inbox
from bot.journal.stops import start_attempt
from bot.journal.writer import Writer
from bot.records import Entry
from bot.records.prompts import Beginning


class Beginnings:
    """Beginnings of turns; what is asked for while a message is recorded lands with it."""

    def __init__(self, writer: Writer, *, now: Callable[[], float]) -> None:
        self._writer = writer
        self._now = now

    def head(self, lane: str, beginning: Beginning) -> asyncio.Future[Entry | None]:
        """Read the next message of *lane*; if it is that of *beginning*, its turn has begun then.

        That is for a message that nobody has tried yet: else it comes back as it is.
        """
        begin = partial(_head, lane=lane, beginning=beginning, at=self._now())
        return self._writer.write(begin)


def _head(db: sqlite3.Connection, lane: str, beginning: Beginning, at: float) -> Entry | None:
    entry = inbox.head(db, lane)
    if entry is None or entry.message.key != beginning.key or not _untried(entry):
        return entry
    begun = start_attempt(
        db,
        entry.seq,
        companions=(),
        session_id=beginning.session_id,
        prompt_uuid=beginning.prompt_uuid,
        alone=False,
        at=at,
    )
    return replace(entry, begun=begun)


def _untried(entry: Entry) -> bool:
    return not (entry.attempts or entry.companions or entry.verdict)
