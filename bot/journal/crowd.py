"""How much waits in a lane, and messages whose acceptance depends on it."""

import sqlite3
from collections.abc import Callable

from bot.journal import inbox
from bot.journal.views import Crowd
from bot.records import Acceptance, Message

#: Chooses the lane of a message by what waits in the one that it came for.
Choice = Callable[[Crowd], str]

# What runs, or is answered together with it, or is about to be posted, waits no more.
_COUNT = """
    SELECT
        count(*) FILTER (WHERE waits),
        count(*) FILTER (WHERE waits AND author_id = ?2),
        count(*) FILTER (WHERE bot = ?3 AND (?4 IS NULL OR author_id = ?4))
    FROM (
        SELECT author_id, bot, joined IS NULL AND verdict IS NULL AND NOT EXISTS (
            SELECT 1 FROM attempts WHERE entry = inbox.seq AND state = 'running'
        ) AS waits
        FROM inbox WHERE lane = ?1 AND state = 'open'
    )
"""


def accept(
    db: sqlite3.Connection,
    message: Message,
    *,
    lane: str,
    user: str | None,
    choose: Choice,
    node: str,
    at: float,
) -> tuple[Acceptance, str]:
    """Accept a message into the lane that *choose* names; return that, too."""
    chosen = choose(_count(db, message, lane, user))
    (acceptance,) = inbox.accept(db, [(message, chosen)], node=node, at=at)
    return acceptance, chosen


def _count(db: sqlite3.Connection, message: Message, lane: str, user: str | None) -> Crowd:
    values = (lane, message.author.id, message.bot, user)
    waiting, each, session = db.execute(_COUNT, values).fetchone()
    return Crowd(waiting=waiting, each=each, session=session)
