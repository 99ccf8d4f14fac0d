"""What has to be known of a reply before it leaves."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from bot.journal import known_bots, outbox
from bot.journal.values import moment
from bot.journal.writer import Writer
from bot.records import Attempt, Entry, Part, Person
from bot.records.file import File

# Who waited before it, and was answered since, is found by when that was settled; or is being
# answered in this moment, in another lane.
_SPOKEN_BETWEEN = """
    SELECT 1 FROM inbox
    WHERE seq > ?1 AND platform = ?3 AND room = ?4 AND author_id <> ?5
    UNION ALL
    SELECT 1 FROM inbox
    WHERE state <> 'open' AND settled_at > ?2 AND platform = ?3 AND room = ?4 AND author_id <> ?5
    UNION ALL
    SELECT 1 FROM inbox
    WHERE state = 'open' AND verdict IS NOT NULL
        AND platform = ?3 AND room = ?4 AND author_id <> ?5
    LIMIT 1
"""

# What was added to a turn had to wait for its answers before the child began with it.
_BEGUN = """
    SELECT max(first.started_at, ifnull((
        SELECT max(ended_at) FROM attempts
        WHERE session_id = first.session_id AND seq >= first.seq AND state = 'answered'
    ), 0)) FROM attempts AS first WHERE first.seq = ?
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Whom a reply names, where that is not known before the moment in which it is frozen."""

    #: Each once. Those whom a room's history has called bots are not named.
    people: tuple[Person, ...]
    #: Name them only if somebody else spoke, or was answered, since the message came.
    if_unclear: bool
    #: Returns the parts that name some of them. Pure: it runs in the journal's thread.
    naming: Callable[[Sequence[Person]], Sequence[str | File]]


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


def _begun_at(db: sqlite3.Connection, *, attempt: Attempt) -> datetime:
    (at,) = db.execute(_BEGUN, (attempt.behind,)).fetchone()
    return moment(at)


def addressed(
    db: sqlite3.Connection, entry: Entry, parts: Sequence[str | File], address: Address
) -> Sequence[str | File]:
    """Return *parts*, or those that name whom the reply to *entry* has to name."""
    if address.if_unclear and not _spoken_between(db, entry):
        return parts
    platform = entry.message.platform
    people = [one for one in address.people if not known_bots.has(db, platform, one.id)]
    return address.naming(people) if people else parts


def _spoken_between(db: sqlite3.Connection, entry: Entry) -> bool:
    """Look for another person's message that came, or ended, after *entry* was accepted.

    In its room, and to a bot of ours; what people say to each other is not known here.
    """
    said, since = entry.message, entry.accepted_at.timestamp()
    values = (entry.seq, since, said.platform, said.room, said.author.id)
    return db.execute(_SPOKEN_BETWEEN, values).fetchone() is not None
