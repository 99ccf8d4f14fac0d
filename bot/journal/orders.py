"""What a command does to other messages, in the transaction that accepts it."""

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bot.journal import history, inbox, stops
from bot.journal.reception import Reception
from bot.journal.stops import NOTHING, QUESTIONS, Stopped
from bot.journal.values import moment
from bot.journal.views import Horizon, Situation
from bot.journal.writer import Writer
from bot.records import Acceptance, Message, Outcome, SessionKey

_UNDECIDED = f"SELECT 1 {QUESTIONS} AND verdict IS NULL LIMIT 1"

_SITUATION = f"""
    SELECT author_name, verdict, accepted_at, (
        SELECT started_at FROM attempts WHERE entry = inbox.seq AND state = 'running'
    ) AS started_at {QUESTIONS} ORDER BY position, seq
"""  # noqa: S608 - only our own words

# An older command, found late, takes nothing back.
_RENEW = """
    INSERT INTO horizon (platform, bot, room, user, position, owed, accepted_at)
    VALUES (?, ?, ?, ?, ?, 1, ?)
    ON CONFLICT DO UPDATE SET
        position = excluded.position, owed = 1, accepted_at = excluded.accepted_at
    WHERE excluded.position > position
"""

_RENEWED = """
    UPDATE horizon SET owed = 0
    WHERE platform = ? AND bot = ? AND room = ? AND user = ? AND position = ?
"""

_HORIZON = """
    SELECT max(position) FROM horizon
    WHERE platform = ? AND bot = ? AND room = ? AND user IN ('', ifnull(?, ''))
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stop:
    """End what is open of the bot in the room and was said before."""

    #: Whose messages; None: everybody's.
    author: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Renew:
    """Remember nothing of what was said before, and owe a new session."""

    #: Whose session; None: the room's.
    user: str | None


Order = Stop | Renew


@dataclass(frozen=True, kw_only=True, slots=True)
class Obeyed:
    """What became of a command."""

    #: A repeated one has no second effect.
    acceptance: Acceptance
    #: What it has ended.
    stopped: Stopped = NOTHING


class Orders:
    """Commands that change what is owed, and what is known of that afterwards."""

    def __init__(
        self, reception: Reception, writer: Writer, *, node: str, now: Callable[[], float]
    ) -> None:
        self._reception = reception
        self._writer = writer
        self._node = node
        self._now = now

    def obey(self, message: Message, *, lane: str, order: Order) -> asyncio.Future[Obeyed]:
        """Accept the command *message*, with what it does, in one commit.

        Whoever is told of what is new, as `Journal.on_new` says, is not told of it: the caller
        has to do something first. Raises JournalUnavailable.
        """
        self._reception.hand_over()  # what was said before is there when this takes effect
        obey = partial(_obey, arrival=(message, lane), order=order, node=self._node, at=self._now())
        # Erased is what it forgets, and what it ends off the record.
        return self._writer.erase(obey)

    async def outcome(self, seq: int) -> Outcome | None:
        """Read how a message has ended; None while it is open."""
        return await self._writer.read(partial(_outcome, seq=seq))

    async def stopped_by(self, seq: int) -> int:
        """Count the messages that the command of this number has ended."""
        return await self._writer.read(partial(_stopped_by, seq=seq))

    async def situation(self, platform: str, key: SessionKey) -> Situation:
        """Read what a session is busy with."""
        return await self._writer.read(partial(_situation, platform=platform, key=key))

    # ---- where memory begins ----

    async def horizon(self, platform: str, key: SessionKey) -> int | None:
        """Return the position before which nothing is to be remembered; None: there is none."""
        place = (platform, key.bot, key.room, key.user)
        return await self._writer.read(partial(_horizon, place=place))

    async def renewals_owed(self) -> tuple[Horizon, ...]:
        """Read which sessions are still to be forgotten."""
        return await self._writer.read(_renewals_owed)

    async def owes_before(self, horizon: Horizon) -> bool:
        """Whether something said before it still needs the old session."""
        return await self._writer.read(partial(_owes_before, horizon=horizon))

    async def renewed(self, horizon: Horizon) -> None:
        """Record that the session from before it is gone; a later one stays owed."""
        await self._writer.write(partial(_renewed, horizon=horizon))


def _obey(
    db: sqlite3.Connection, arrival: inbox.Arrival, order: Order, *, node: str, at: float
) -> Obeyed:
    (acceptance,) = inbox.accept(db, [arrival], node=node, at=at)
    if acceptance is Acceptance.REPEATED:
        return Obeyed(acceptance=acceptance)
    message, _ = arrival
    place = (message.platform, message.bot, message.room)
    if isinstance(order, Stop):
        stopped = stops.stop_before(db, message, author=order.author, at=at)
        return Obeyed(acceptance=acceptance, stopped=stopped)
    db.execute(_RENEW, (*place, order.user or "", message.position, at))
    platform, bot, room = place
    before = message.position
    history.forget(db, platform=platform, bot=bot, room=room, user=order.user, before=before)
    return Obeyed(acceptance=acceptance)


def _outcome(db: sqlite3.Connection, seq: int) -> Outcome | None:
    row = db.execute("SELECT state FROM inbox WHERE seq = ?", (seq,)).fetchone()
    return None if row is None or row["state"] == "open" else Outcome(row["state"])


def _stopped_by(db: sqlite3.Connection, seq: int) -> int:
    found: tuple[int] = db.execute(
        "SELECT count(*) FROM inbox WHERE stopped_by = ?", (seq,)
    ).fetchone()
    return found[0]


def _situation(db: sqlite3.Connection, platform: str, key: SessionKey) -> Situation:
    rows = db.execute(_SITUATION, (platform, key.bot, key.room, key.user, None)).fetchall()
    running = [row for row in rows if row["started_at"] is not None or row["verdict"] is not None]
    if not running:
        return Situation(asker=None, since=None, waiting=len(rows))
    since = running[0]["started_at"] or running[0]["accepted_at"]
    return Situation(
        asker=running[0]["author_name"], since=moment(since), waiting=len(rows) - len(running)
    )


def _horizon(db: sqlite3.Connection, place: tuple[str | None, ...]) -> int | None:
    found: tuple[int | None] = db.execute(_HORIZON, place).fetchone()
    return found[0]


def _renewals_owed(db: sqlite3.Connection) -> tuple[Horizon, ...]:
    return tuple(
        Horizon(
            platform=row["platform"],
            key=SessionKey(room=row["room"], bot=row["bot"], user=row["user"] or None),
            position=row["position"],
        )
        for row in db.execute("SELECT * FROM horizon WHERE owed = 1")
    )


def _owes_before(db: sqlite3.Connection, horizon: Horizon) -> bool:
    key = horizon.key
    place = (horizon.platform, key.bot, key.room, key.user, horizon.position)
    return db.execute(_UNDECIDED, place).fetchone() is not None


def _renewed(db: sqlite3.Connection, horizon: Horizon) -> None:
    key = horizon.key
    place = (horizon.platform, key.bot, key.room, key.user or "", horizon.position)
    db.execute(_RENEWED, place)
