"""Accepted messages, and which of them is next."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from bot.journal import attempts, counters, outbox, ownership, places
from bot.journal.values import moment, storable
from bot.journal.views import WaitingLane
from bot.records import Acceptance, Entry, Message, MessageKind, Outcome, Person

_COLUMNS = (
    "platform, bot, message_id, lane, room, room_name, direct, position,"
    " author_id, author_name, kind, text, html, received_at, accepted_at"
)
_ROW = f"({', '.join('?' * len(_COLUMNS.split(',')))})"

# Whose reply is fixed goes first: it may be half in the room already.
_HALFWAY = """
    SELECT * FROM inbox WHERE lane = ? AND state = 'open' AND verdict IS NOT NULL
    ORDER BY position, seq LIMIT 1
"""

_HEAD = """
    SELECT * FROM inbox WHERE lane = ? AND state = 'open' ORDER BY position, seq LIMIT 1
"""

_OPEN_LANES = "SELECT lane FROM inbox WHERE state = 'open' GROUP BY lane ORDER BY min(seq)"

# The inner query is answered by the index of the open rows alone.
_WAITING = """
    SELECT waiting.lane, waiting.open, inbox.accepted_at
    FROM (
        SELECT lane, count(*) AS open, min(seq) AS oldest
        FROM inbox WHERE state = 'open' GROUP BY lane
    ) AS waiting JOIN inbox ON inbox.seq = waiting.oldest
    ORDER BY waiting.oldest
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """A message that is to be accepted."""

    message: Message
    lane: str
    #: The node that serves the lane if it is new.
    node: str
    #: Seconds since the epoch.
    at: float


def accept(db: sqlite3.Connection, arrivals: Sequence[Arrival]) -> list[Acceptance]:
    """Insert the messages that were not accepted before; return what became of each."""
    values = [value for arrival in arrivals for value in _values(arrival)]
    rows = db.execute(_accept(len(arrivals)), values).fetchall()
    new = {(platform, bot, message_id): lane for platform, bot, message_id, lane in rows}
    for lane in dict.fromkeys(new.values()):
        ownership.join(db, lane, node=arrivals[0].node)
    if new:
        places.visit(db, (arrival.message for arrival in arrivals), at=arrivals[0].at)
    counters.count_accepted(db, len(new))
    # Of two copies that arrive together, the first is the new one.
    return [
        Acceptance.NEW if new.pop(arrival.message.key, None) else Acceptance.REPEATED
        for arrival in arrivals
    ]


def skip(db: sqlite3.Connection, arrival: Arrival, *, reason: str) -> Acceptance:
    """Accept a message and settle it as skipped, in one go: nobody starts on it in between."""
    (acceptance,) = accept(db, [arrival])
    if acceptance is Acceptance.NEW:
        db.execute(
            "UPDATE inbox SET state = 'skipped', reason = ?, settled_at = ?"
            " WHERE platform = ? AND bot = ? AND message_id = ?",
            (reason, arrival.at, *arrival.message.key),
        )
        counters.count_settled(db, Outcome.SKIPPED)
    return acceptance


@cache
def _accept(rows: int) -> str:
    """Return one statement for all messages that arrive together.

    Each call into SQLite hands the interpreter to another thread and back, which costs more than
    the row does.
    """
    return (
        f"INSERT INTO inbox ({_COLUMNS}) VALUES {', '.join([_ROW] * rows)}"  # noqa: S608 - only our own names
        " ON CONFLICT (platform, bot, message_id) DO NOTHING"
        " RETURNING platform, bot, message_id, lane"
    )


def head(db: sqlite3.Connection, lane: str) -> Entry | None:
    """Read what is next in *lane*: a frozen reply, else what the platform puts first."""
    row = db.execute(_HALFWAY, (lane,)).fetchone() or db.execute(_HEAD, (lane,)).fetchone()
    return None if row is None else from_row(db, row)


def entry(db: sqlite3.Connection, seq: int) -> Entry | None:
    """Read one message, settled or not."""
    row = db.execute("SELECT * FROM inbox WHERE seq = ?", (seq,)).fetchone()
    return None if row is None else from_row(db, row)


def open_lanes(db: sqlite3.Connection) -> tuple[str, ...]:
    """Name the lanes with open messages, the longest waiting first."""
    return tuple(row["lane"] for row in db.execute(_OPEN_LANES))


def open_messages(db: sqlite3.Connection, bot: str) -> int:
    """Count what *bot* still owes."""
    found: tuple[int] = db.execute(
        "SELECT count(*) FROM inbox WHERE state = 'open' AND bot = ?", (bot,)
    ).fetchone()
    return found[0]


def waiting(db: sqlite3.Connection) -> tuple[WaitingLane, ...]:
    """Read how much waits in each lane, the longest waiting first."""
    return tuple(
        WaitingLane(lane=lane, open=waiting, oldest=moment(oldest))
        for lane, waiting, oldest in db.execute(_WAITING)
    )


def from_row(db: sqlite3.Connection, row: sqlite3.Row) -> Entry:
    """Make an entry of a row of the inbox, with its attempts and parts."""
    verdict = row["verdict"]
    return Entry(
        seq=row["seq"],
        lane=row["lane"],
        message=_message(row),
        accepted_at=moment(row["accepted_at"]),
        verdict=None if verdict is None else Outcome(verdict),
        attempts=attempts.of_entry(db, row["seq"]),
        parts=outbox.of_entry(db, row["seq"]),
    )


def _values(arrival: Arrival) -> tuple[str | int | float | None, ...]:
    message = arrival.message
    return (
        message.platform,
        message.bot,
        message.id,
        arrival.lane,
        message.room,
        storable(message.room_name),
        int(message.direct),
        message.position,
        message.author.id,
        storable(message.author.name),
        message.kind.value,
        storable(message.text),
        storable(message.html),
        message.received_at.timestamp(),
        arrival.at,
    )


def _message(row: sqlite3.Row) -> Message:
    return Message(
        platform=row["platform"],
        bot=row["bot"],
        room=row["room"],
        room_name=row["room_name"],
        direct=bool(row["direct"]),
        id=row["message_id"],
        position=row["position"],
        author=Person(id=row["author_id"], name=row["author_name"]),
        kind=MessageKind(row["kind"]),
        text=row["text"],
        html=row["html"],
        received_at=moment(row["received_at"]),
    )
