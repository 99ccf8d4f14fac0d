"""What has to be known of a reply before it leaves."""

import sqlite3
from collections.abc import Sequence
from functools import partial

from bot.journal import known_bots, outbox
from bot.journal.writer import Writer
from bot.records import Entry, Part, Person

# Who waited before it, and was answered since, is found by when that was settled.
_SPOKEN_BETWEEN = """
    SELECT 1 FROM inbox
    WHERE seq > ?1 AND platform = ?3 AND room = ?4 AND author_id <> ?5
    UNION ALL
    SELECT 1 FROM inbox
    WHERE state <> 'open' AND settled_at > ?2 AND platform = ?3 AND room = ?4 AND author_id <> ?5
    LIMIT 1
"""


class Outgoing:
    """Reads of the journal for what is about to be said."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def content(self, part: Part) -> bytes | None:
        """Read the content of a part that is a file; None when it was lost with a damaged page."""
        return await self._writer.read(partial(outbox.content, seq=part.seq))

    async def spoken_between(self, entry: Entry) -> bool:
        """Tell whether anybody else spoke to a bot of ours, or was answered, since *entry* came.

        In its room; what people say to each other is not known here.
        """
        return await self._writer.read(partial(spoken_between, entry=entry))

    async def people(self, platform: str, authors: Sequence[Person]) -> tuple[Person, ...]:
        """Return those of *authors* that no room's history has shown to be bots."""
        return await self._writer.read(partial(_people, platform=platform, authors=authors))


def _people(
    db: sqlite3.Connection, *, platform: str, authors: Sequence[Person]
) -> tuple[Person, ...]:
    return tuple(author for author in authors if not known_bots.has(db, platform, author.id))


def spoken_between(db: sqlite3.Connection, entry: Entry) -> bool:
    """Look for another person's message that came, or ended, after *entry* was accepted."""
    said, since = entry.message, entry.accepted_at.timestamp()
    values = (entry.seq, since, said.platform, said.room, said.author.id)
    return db.execute(_SPOKEN_BETWEEN, values).fetchone() is not None
