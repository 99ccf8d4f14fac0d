"""What has to be known of a reply before it leaves."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from bot.journal import known_bots, outbox
from bot.journal.values import moment
from bot.journal.writer import Writer
from bot.records import Attempt, Entry, Part, Person

# Who waited before it, and was answered since, is found by when that was settled.
_SPOKEN_BETWEEN = """
    SELECT 1 FROM inbox
    WHERE seq > ?1 AND platform = ?3 AND room = ?4 AND author_id <> ?5
    UNION ALL
    SELECT 1 FROM inbox
    WHERE state <> 'open' AND settled_at > ?2 AND platform = ?3 AND room = ?4 AND author_id <> ?5
    LIMIT 1
"""

# What was added to a turn had to wait for its answers before the child began with it.
_BEGUN = """
    SELECT max(first.started_at, ifnull((
        SELECT max(ended_at) FROM attempts
        WHERE session_id = first.session_id AND seq >= first.seq AND state = 'answered'
    ), 0)) FROM attempts AS first WHERE first.seq = ?
"""


class Outgoing:
    """Reads of the journal for what is about to be said."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def content(self, part: Part) -> bytes | None:
        """Read the content of a part that is a file; None when it was lost with a damaged page."""
        return await self._writer.read(partial(outbox.content, seq=part.seq))

    async def begun_at(self, attempt: Attempt) -> datetime:
        """Return from when on what an agent made belongs to the answer to *attempt*.

        Also to what it was added to, if one answer is for both; not to an answer before it.
        """
        if attempt.behind is None:
            return attempt.started_at
        return await self._writer.read(partial(_begun_at, attempt=attempt))

    async def spoken_between(self, entry: Entry) -> bool:
        """Tell whether anybody else spoke to a bot of ours, or was answered, since *entry* came.

        In its room; what people say to each other is not known here.
        """
        return await self._writer.read(partial(spoken_between, entry=entry))

    async def people(self, platform: str, authors: Sequence[Person]) -> tuple[Person, ...]:
        """Return those of *authors* that no room's history has shown to be bots."""
        return await self._writer.read(partial(_people, platform=platform, authors=authors))


def _begun_at(db: sqlite3.Connection, *, attempt: Attempt) -> datetime:
    (at,) = db.execute(_BEGUN, (attempt.behind,)).fetchone()
    return moment(at)


def _people(
    db: sqlite3.Connection, *, platform: str, authors: Sequence[Person]
) -> tuple[Person, ...]:
    return tuple(author for author in authors if not known_bots.has(db, platform, author.id))


def spoken_between(db: sqlite3.Connection, entry: Entry) -> bool:
    """Look for another person's message that came, or ended, after *entry* was accepted."""
    said, since = entry.message, entry.accepted_at.timestamp()
    values = (entry.seq, since, said.platform, said.room, said.author.id)
    return db.execute(_SPOKEN_BETWEEN, values).fetchone() is not None
