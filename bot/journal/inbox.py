"""Accepted messages, and which of them is next."""

import sqlite3
from collections.abc import Sequence
from functools import cache

from bot.journal import attempts, counters, joined, outbox, ownership, places
from bot.journal.values import moment, storable
from bot.journal.views import WaitingLane
from bot.records import Acceptance, Entry, Message, MessageKind, Outcome, Person

_COLUMNS = (
    "platform, bot, message_id, lane, room, room_name, direct, position,"
    " author_id, author_name, kind, text, html, received_at, accepted_at, off_record"
)
_ROW = f"({', '.join('?' * len(_COLUMNS.split(',')))})"

# Numbers only grow, and nobody else writes: what was inserted last is at the end.
_NEWEST = "SELECT platform, bot, message_id FROM inbox ORDER BY seq DESC LIMIT ?"

# Whose reply is fixed goes first: it may be half in the room already. Then what the agent has
# already: it was sent as an addition to a turn that has ended. In one statement, since each call
# into SQLite gives the interpreter away.
_HEAD = """
    SELECT * FROM (
        SELECT 0 AS rank, * FROM inbox WHERE lane = ?1 AND state = 'open' AND verdict IS NOT NULL
        ORDER BY position, seq LIMIT 1
    ) UNION ALL SELECT * FROM (
        SELECT 1, inbox.* FROM attempts CROSS JOIN inbox ON inbox.seq = attempts.entry
        WHERE attempts.state = 'running' AND attempts.behind IS NOT NULL
        AND inbox.lane = ?1 AND inbox.state = 'open' AND inbox.joined IS NULL
        ORDER BY attempts.seq LIMIT 1
    ) UNION ALL SELECT * FROM (
        SELECT 2, * FROM inbox WHERE lane = ?1 AND state = 'open' AND joined IS NULL
        ORDER BY position, seq LIMIT 1
    ) ORDER BY rank LIMIT 1
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


#: A message that is to be accepted, and its lane.
Arrival = tuple[Message, str]


def accept(
    db: sqlite3.Connection, arrivals: Sequence[Arrival], *, node: str, at: float
) -> list[Acceptance]:
    """Insert the messages that were not accepted before; return what became of each.

    A lane that is new is served by *node*. *at* is in seconds since the epoch.
    """
    accepted = insert(db, arrivals, at=at)
    for lane in {lane for _, lane in arrivals}:
        ownership.join(db, lane, node=node)
    places.visit(db, (message for message, _ in arrivals), at=at)
    return accepted


def insert(db: sqlite3.Connection, arrivals: Sequence[Arrival], *, at: float) -> list[Acceptance]:
    """Like `accept`, where lanes and places are known already: one statement, which also counts."""
    values = [value for arrival in arrivals for value in _values(*arrival, at)]
    count = db.execute(_insert(len(arrivals)), values).rowcount
    if count == len(arrivals):
        return [Acceptance.NEW] * count
    if not count:
        return [Acceptance.REPEATED] * len(arrivals)
    new = {tuple(row) for row in db.execute(_NEWEST, (count,))}
    return [_take_out(new, message) for message, _ in arrivals]


def _take_out(new: set[tuple[str, ...]], message: Message) -> Acceptance:
    """Say whether *message* is new: of two copies that arrive together, the first one is."""
    if message.key not in new:
        return Acceptance.REPEATED
    new.remove(message.key)
    return Acceptance.NEW


def skip(
    db: sqlite3.Connection, arrival: Arrival, *, reason: str, node: str, at: float
) -> Acceptance:
    """Accept a message and settle it as skipped, in one go: nobody starts on it in between."""
    (acceptance,) = accept(db, [arrival], node=node, at=at)
    if acceptance is Acceptance.NEW:
        message, _ = arrival
        db.execute(
            "UPDATE inbox SET state = 'skipped', reason = ?, settled_at = ?"
            " WHERE platform = ? AND bot = ? AND message_id = ?",
            (reason, at, *message.key),
        )
        counters.count_settled(db, Outcome.SKIPPED)
    return acceptance


@cache
def _insert(rows: int) -> str:
    """Return one statement for all messages that arrive together.

    Each call into SQLite hands the interpreter to another thread and back, which costs more than
    the row does; so would each row that it returned.
    """
    return (
        f"INSERT INTO inbox ({_COLUMNS}) VALUES {', '.join([_ROW] * rows)}"  # noqa: S608 - only our own names
        " ON CONFLICT (platform, bot, message_id) DO NOTHING"
    )


def head(db: sqlite3.Connection, lane: str) -> Entry | None:
    """Read what is next in *lane*: a frozen reply, else what the platform puts first."""
    row = db.execute(_HEAD, (lane,)).fetchone()
    return None if row is None else from_row(db, row)


def candidates(
    db: sqlite3.Connection, entry: Entry, *, author: str | None, limit: int
) -> tuple[Entry, ...]:
    """Read what waits for the same bot in the same lane; see `joined.candidates`."""
    bot, lane = entry.message.bot, entry.lane
    rows = joined.candidates(db, lane=lane, bot=bot, leader=entry.seq, author=author, limit=limit)
    return tuple(from_row(db, row) for row in rows)


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
    """Make an entry of a row of the inbox, with its attempts, and the parts of its turn."""
    leader = joined.leader(db, row)
    verdict = leader["verdict"]
    return Entry(
        seq=row["seq"],
        lane=row["lane"],
        message=_message(row),
        accepted_at=moment(row["accepted_at"]),
        verdict=None if verdict is None else Outcome(verdict),
        attempts=attempts.of_entry(db, row["seq"]),
        parts=outbox.of_entry(db, leader["seq"]),
        companions=tuple(from_row(db, one) for one in joined.companions(db, row)),
    )


def _values(message: Message, lane: str, at: float) -> tuple[str | int | float | None, ...]:
    return (
        message.platform,
        message.bot,
        message.id,
        lane,
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
        at,
        int(message.off_record),
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
        off_record=bool(row["off_record"]),
    )
