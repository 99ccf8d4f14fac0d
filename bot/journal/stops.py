"""Messages that are stopped: those that a command finds, and those that come too late for it."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.journal import attempts, counters, outbox
from bot.records import Attempt, Message, Outcome

#: How the name of a lane of commands begins; all others begin with a platform's name.
COMMANDS: Final = "!"

#: What a bot owes in a room, of all or one person's questions, before a position or any.
QUESTIONS: Final = """
    FROM inbox WHERE state = 'open' AND platform = ?1 AND bot = ?2 AND room = ?3
    AND (?4 IS NULL OR author_id = ?4) AND (?5 IS NULL OR position < ?5) AND lane NOT LIKE '!%'
"""

# What stands in the room as a whole is said, and only lacks the note of it. What is about to stand
# there, and answers others too, is theirs.
_STOPPABLE = f"""
    SELECT seq {QUESTIONS} AND NOT EXISTS (
        SELECT 1 FROM inbox AS leader
        WHERE leader.seq = ifnull(inbox.joined, inbox.seq) AND leader.verdict IS NOT NULL
        AND (NOT EXISTS (
            SELECT 1 FROM outbox
            WHERE entry = leader.seq AND kind <> 'progress' AND state <> 'posted'
        ) OR EXISTS (
            SELECT 1 FROM inbox AS other
            WHERE (other.seq = leader.seq OR other.joined = leader.seq)
            AND other.state = 'open' AND other.author_id <> ?4
        ))
    )
"""  # noqa: S608 - only our own words

_HALT = """
    INSERT INTO halt (platform, bot, room, author, position, entry) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET position = excluded.position, entry = excluded.entry
    WHERE excluded.position > position
"""

# Said before a stop and accepted after it. What an operator opens again was accepted before.
_HALTED = """
    SELECT halt.entry FROM inbox JOIN halt USING (platform, bot, room)
    WHERE inbox.seq = ? AND inbox.state = 'open' AND inbox.verdict IS NULL
    AND halt.author IN ('', inbox.author_id)
    AND inbox.position < halt.position AND inbox.seq > halt.entry
"""

# What others asked in the same turn is asked again, without it.
_CUT = """
    UPDATE attempts SET state = 'cut_off', error = ?, ended_at = ?
    WHERE state = 'running' AND entry IN (
        SELECT leader.seq FROM inbox AS mine JOIN inbox AS leader ON leader.seq = mine.joined
        WHERE mine.stopped_by = ? AND leader.state = 'open' AND leader.verdict IS NULL
    )
    RETURNING entry
"""

_STOP = """
    UPDATE inbox SET state = 'stopped', reason = ?, settled_at = ?, answer = NULL, stopped_by = ?
    WHERE seq = ?
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stopped:
    """What a command has ended."""

    #: The messages, by their numbers.
    messages: tuple[int, ...] = ()
    #: Leading messages of turns in which one of them was asked, and that go on without it.
    cut: tuple[int, ...] = ()
    #: Prompts of those that an agent was given in addition to others.
    added: tuple[str, ...] = ()


NOTHING: Final = Stopped()


def stop_before(
    db: sqlite3.Connection, command: Message, *, author: str | None, at: float
) -> Stopped:
    """Stop what was said before *command*, by *author* or by anybody."""
    place = (command.platform, command.bot, command.room)
    (by,) = db.execute(
        "SELECT seq FROM inbox WHERE platform = ? AND bot = ? AND message_id = ?", command.key
    ).fetchone()
    db.execute(_HALT, (*place, author or "", command.position, by))
    found = db.execute(_STOPPABLE, (*place, author, command.position)).fetchall()
    messages = tuple(seq for (seq,) in found)
    added = tuple(prompt for seq in messages for prompt in attempts.added(db, seq))
    for seq in messages:
        _stop(db, seq, by=by, at=at)
    cut = db.execute(_CUT, (f"message {by} stopped what was asked with it", at, by)).fetchall()
    return Stopped(messages=messages, cut=tuple(seq for (seq,) in cut), added=added)


def start_attempt(
    db: sqlite3.Connection,
    entry: int,
    *,
    companions: Sequence[int],
    session_id: str,
    prompt_uuid: str,
    alone: bool,
    at: float,
) -> Attempt | None:
    """Begin an attempt, or return None; what was said before a stop is stopped instead."""
    if _halt(db, (entry, *companions), at=at):
        return None
    return attempts.start(
        db,
        entry,
        companions=companions,
        session_id=session_id,
        prompt_uuid=prompt_uuid,
        alone=alone,
        at=at,
    )


def add_attempt(
    db: sqlite3.Connection, entry: int, *, to: Attempt, prompt_uuid: str, at: float
) -> Attempt | None:
    """Begin an attempt beside another one; what was said before a stop is stopped instead."""
    if _halt(db, (entry,), at=at):
        return None
    return attempts.add(db, entry, to=to, prompt_uuid=prompt_uuid, at=at)


def _halt(db: sqlite3.Connection, entries: Sequence[int], *, at: float) -> bool:
    """Stop those that a stop came too early for; say whether there are any."""
    halted = [(seq, db.execute(_HALTED, (seq,)).fetchone()) for seq in entries]
    stopped = [(seq, found["entry"]) for seq, found in halted if found is not None]
    for seq, by in stopped:
        _stop(db, seq, by=by, at=at)
    return bool(stopped)


def _stop(db: sqlite3.Connection, seq: int, *, by: int, at: float) -> None:
    """Settle a message as stopped: nothing of it is tried, or sent, any more."""
    reason = f"stopped by message {by}"
    db.execute(_STOP, (reason, at, by, seq))
    counters.count_settled(db, Outcome.STOPPED)
    attempts.stop(db, seq, error=reason, at=at)
    outbox.kill_rest(db, seq, error=reason)
    outbox.drop_files(db, seq)
