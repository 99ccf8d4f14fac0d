"""What the sessions have heard of their rooms, and what was said there off the record."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bot.journal.writer import Writer

# Positions grow with the attempts, so the newest that heard anything heard most.
_UPTO = """
    SELECT heard FROM attempts
    WHERE session_id = ? AND entry <> ? AND heard IS NOT NULL ORDER BY seq DESC LIMIT 1
"""

_WITHHELD = """
    SELECT message_id AS id FROM inbox WHERE off_record AND platform = ?1 AND message_id IN ({ids})
    UNION
    SELECT remote_id AS id FROM outbox JOIN inbox ON inbox.seq = outbox.entry
    WHERE off_record AND platform = ?1 AND remote_id IN ({ids})
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """What stands between a session and what was said in its room."""

    #: Up to this position the session has heard it; None for nothing so far.
    upto: int | None
    #: Ids of messages that were off the record: said to a bot of ours, or by one.
    withheld: frozenset[str]


class Hearing:
    """What to leave out of what a session is told."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def look(
        self, session_id: str, *, entry: int, platform: str, ids: Sequence[str]
    ) -> Heard:
        """Say what a session has heard before *entry*, and what of *ids* it may not hear.

        What an earlier try at *entry* was told does not count: it is told again.
        """
        return await self._writer.read(
            partial(_look, session_id=session_id, entry=entry, platform=platform, ids=ids)
        )


def _look(
    db: sqlite3.Connection, *, session_id: str, entry: int, platform: str, ids: Sequence[str]
) -> Heard:
    row = db.execute(_UPTO, (session_id, entry)).fetchone()
    named = ", ".join(f"?{number}" for number in range(2, len(ids) + 2))
    withheld = db.execute(_WITHHELD.format(ids=named), (platform, *ids))
    return Heard(
        upto=None if row is None else row["heard"],
        withheld=frozenset(found["id"] for found in withheld),
    )
