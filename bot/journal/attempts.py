"""Tries at answering, each known before its prompt leaves."""

import sqlite3
from collections.abc import Sequence

from bot.journal import joined
from bot.journal.values import moment, storable
from bot.records import Attempt, AttemptState
from bot.records.prompts import SessionPrompts

_MAY_START = """
    SELECT 1 FROM inbox AS mine
    WHERE seq = ? AND state = 'open' AND verdict IS NULL AND joined IS NULL AND NOT EXISTS (
        SELECT 1 FROM inbox AS other
        WHERE other.lane = mine.lane AND other.state = 'open' AND other.joined IS NULL
        AND (other.position, other.seq) < (mine.position, mine.seq)
    )
"""

_START = """
    INSERT INTO attempts
        (entry, number, prompt_uuid, session_id, alone, state, started_at, behind)
    VALUES (
        ?1, (SELECT ifnull(max(number), 0) + 1 FROM attempts WHERE entry = ?1),
        ?2, ?3, ?4, 'running', ?5, ?6
    )
    RETURNING *
"""

_MAY_ADD = """
    SELECT 1 FROM inbox
    WHERE seq = ?1 AND state = 'open' AND verdict IS NULL AND joined IS NULL
    AND NOT EXISTS (SELECT 1 FROM attempts WHERE entry = ?1 AND state = 'running')
    AND EXISTS (SELECT 1 FROM attempts WHERE seq = ?2 AND state = 'running')
"""

# CROSS JOIN fixes the order: few messages are open, while all attempts of a week are kept.
_OWED_PROMPTS = """
    SELECT prompt_uuid FROM inbox CROSS JOIN attempts ON attempts.entry = inbox.seq
    WHERE inbox.state = 'open' AND attempts.session_id = ?
"""

_ANSWERED_PROMPTS = """
    SELECT prompt_uuid FROM attempts WHERE session_id = ? AND state = 'answered'
    ORDER BY seq DESC LIMIT 10
"""

_IN_VAIN = """
    SELECT prompt_uuid FROM attempts
    WHERE session_id = ?1 AND state <> 'answered' AND entry IN (
        SELECT entry FROM attempts WHERE session_id = ?1 AND state = 'answered'
        ORDER BY seq DESC LIMIT 10
    )
"""

_INTERRUPT = """
    UPDATE attempts SET
        state = 'interrupted', ended_at = max(started_at, min(?1, ?2)),
        life = (SELECT max(seq) FROM life)
    WHERE state = 'running'
"""

_REOPEN = """
    UPDATE attempts SET heard = NULL, (state, ended_at) = (
        SELECT iif(max(stopped_at) IS NULL, 'running', 'cut_off'), max(stopped_at)
        FROM life WHERE seq = (SELECT max(seq) FROM life)
    )
    WHERE seq = ? AND state = 'answered'
"""

_STOP_UNHEARD = """
    UPDATE attempts SET state = 'stopped', heard = NULL
    WHERE seq = ? AND state = 'answered'
    AND (SELECT state FROM inbox WHERE seq = attempts.entry) = 'stopped'
"""

_STOPPED = """
    SELECT prompt_uuid FROM (
        SELECT prompt_uuid, state FROM attempts WHERE session_id = ? ORDER BY seq DESC LIMIT 10
    ) WHERE state = 'stopped'
"""


def start(
    db: sqlite3.Connection,
    entry: int,
    *,
    companions: Sequence[int] = (),
    session_id: str,
    prompt_uuid: str,
    alone: bool,
    at: float,
) -> Attempt | None:
    """Begin an attempt, or return None: something else is to be done first."""
    if db.execute(_MAY_START, (entry,)).fetchone() is None:
        return None
    if not joined.join(db, companions, to=entry):
        return None
    end_running(db, entry, error="the next attempt began before its end was recorded", at=at)
    values = (entry, prompt_uuid, session_id, int(alone), at, None)
    (row,) = db.execute(_START, values).fetchall()
    return _attempt(row)


def add(
    db: sqlite3.Connection, entry: int, *, to: Attempt, prompt_uuid: str, at: float
) -> Attempt | None:
    """Begin an attempt while another one runs, of another message; None when it may not begin."""
    if db.execute(_MAY_ADD, (entry, to.seq)).fetchone() is None:
        return None
    # All that one child keeps hangs on the attempt that it began with.
    values = (entry, prompt_uuid, to.session_id, 0, at, to.behind or to.seq)
    (row,) = db.execute(_START, values).fetchall()
    return _attempt(row)


def added(db: sqlite3.Connection, entry: int) -> tuple[str, ...]:
    """Name the prompt that an agent has of *entry* as an addition, not answered yet; or none."""
    rows = db.execute(
        "SELECT prompt_uuid FROM attempts"
        " WHERE entry = ? AND state = 'running' AND behind IS NOT NULL",
        (entry,),
    )
    return tuple(row["prompt_uuid"] for row in rows)


def sent_behind(db: sqlite3.Connection, behind: int) -> tuple[str, ...]:
    """Name the prompts that were added while an attempt ran, in the order of their leaving."""
    rows = db.execute("SELECT prompt_uuid FROM attempts WHERE behind = ? ORDER BY seq", (behind,))
    return tuple(row["prompt_uuid"] for row in rows)


def absorb(
    db: sqlite3.Connection, entry: int, prompt_uuids: Sequence[str], *, kept_as: str, at: float
) -> Attempt:
    """Join to *entry* the messages whose prompts got its answer.

    Returns the attempt under whose uuid the transcript has that answer: *kept_as*.
    """
    joined.absorb(db, prompt_uuids, by=entry)
    others = [(at, prompt_uuid) for prompt_uuid in prompt_uuids if prompt_uuid != kept_as]
    db.executemany(
        "UPDATE attempts SET state = 'absorbed', ended_at = ?"
        " WHERE prompt_uuid = ? AND state <> 'stopped'",
        others,
    )
    row = db.execute("SELECT * FROM attempts WHERE prompt_uuid = ?", (kept_as,)).fetchone()
    return _attempt(row)


def end(
    db: sqlite3.Connection, attempt: Attempt, *, state: AttemptState, error: str | None, at: float
) -> None:
    """Record how an attempt ended, and what it has heard; answered or stopped, it stays so."""
    db.execute(
        "UPDATE attempts SET state = ?, error = ?, ended_at = ?, heard = ?"
        " WHERE seq = ? AND state NOT IN ('answered', 'absorbed', 'stopped')",
        (state.value, storable(error), at, attempt.heard, attempt.seq),
    )


def reopen(db: sqlite3.Connection, attempt: Attempt) -> None:
    """Have an answered attempt run again: what it brought was not the answer.

    In a server that is being stopped, it is cut off like the others that run.
    """
    db.execute(_REOPEN, (attempt.seq,))


def stop_unheard(db: sqlite3.Connection, attempt: Attempt) -> None:
    """Have an answered attempt be one that was stopped: its answer will not be said."""
    db.execute(_STOP_UNHEARD, (attempt.seq,))


def prompts(db: sqlite3.Connection, session_id: str) -> SessionPrompts:
    """Name the prompts sent in a session: those still open, and the last that were answered."""
    owed = db.execute(_OWED_PROMPTS, (session_id,))
    answered = db.execute(_ANSWERED_PROMPTS, (session_id,))
    return SessionPrompts(
        owed=frozenset(row["prompt_uuid"] for row in owed),
        answered=tuple(row["prompt_uuid"] for row in answered),
        in_vain=frozenset(row["prompt_uuid"] for row in db.execute(_IN_VAIN, (session_id,))),
        stopped=frozenset(row["prompt_uuid"] for row in db.execute(_STOPPED, (session_id,))),
    )


def end_running(db: sqlite3.Connection, entry: int, *, error: str, at: float) -> None:
    """Fail the attempt of *entry* whose end nobody recorded, if there is one."""
    db.execute(
        "UPDATE attempts SET state = 'failed', error = ?, ended_at = ?"
        " WHERE entry = ? AND state = 'running'",
        (error, at, entry),
    )


def stop(db: sqlite3.Connection, entry: int, *, error: str, at: float) -> None:
    """End all that *entry* was tried: its unanswered prompts are wanted by nobody."""
    db.execute(
        "UPDATE attempts SET state = 'stopped', error = ?, ended_at = ifnull(ended_at, ?)"
        " WHERE entry = ? AND state <> 'answered'",
        (error, at, entry),
    )


def interrupt_running(db: sqlite3.Connection, *, seen: float, at: float) -> int:
    """Mark what an earlier process left running; return how many those are.

    It was *seen* to live last then, if it was looked at; in no case longer than until *at*.
    """
    return db.execute(_INTERRUPT, (seen, at)).rowcount


def excuse_running(db: sqlite3.Connection, *, at: float) -> None:
    """Mark what runs in a server that is being stopped: its end will be no crash."""
    db.execute("UPDATE attempts SET state = 'cut_off', ended_at = ? WHERE state = 'running'", (at,))


def forgive(db: sqlite3.Connection, entry: int) -> None:
    """Count the crashes of *entry* from none again: an operator wants to see it tried."""
    db.execute("UPDATE attempts SET alone = 0 WHERE entry = ?", (entry,))


def of_entry(db: sqlite3.Connection, entry: int) -> tuple[Attempt, ...]:
    """Read the attempts of *entry*, oldest first."""
    rows = db.execute("SELECT * FROM attempts WHERE entry = ? ORDER BY number", (entry,))
    return tuple(_attempt(row) for row in rows)


def _attempt(row: sqlite3.Row) -> Attempt:
    return Attempt(
        seq=row["seq"],
        entry=row["entry"],
        number=row["number"],
        prompt_uuid=row["prompt_uuid"],
        session_id=row["session_id"],
        state=AttemptState(row["state"]),
        started_at=moment(row["started_at"]),
        behind=row["behind"],
        heard=row["heard"],
    )
