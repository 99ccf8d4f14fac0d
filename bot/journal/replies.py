"""The end of a message: its reply is frozen, then it is settled. Each once."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.journal import attempts, counters, history, joined, outbox, outgoing
from bot.journal.values import storable
from bot.records import Attempt, AttemptState, Entry, Outcome, Part, PartKind
from bot.records.file import File

_FREEZE = """
    UPDATE inbox SET verdict = ?, answer = ?, reason = ?
    WHERE seq = ? AND state = 'open' AND verdict IS NULL
"""

# A dead letter keeps its answer: a retry may still bring it into the room and the history.
_SETTLE = """
    UPDATE inbox SET
        state = ?1, reason = ifnull(?2, reason), settled_at = ?3,
        answer = CASE ?1 WHEN 'dead' THEN answer END
    WHERE seq = ?4 AND state = 'open'
"""


_ENDED = "SELECT 1 FROM inbox WHERE seq = ? AND state <> 'open'"

_THAW = """
    UPDATE inbox SET verdict = NULL, answer = NULL
    WHERE seq = ? AND state = 'open' AND verdict IS NOT NULL
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What is to be said about a message, and what that makes of it."""

    #: Texts as HTML, and files.
    parts: Sequence[str | File]
    kind: PartKind
    verdict: Outcome
    #: As the history keeps it; None keeps nothing.
    text: str | None
    #: For the operator, when it is not an answer.
    reason: str | None
    #: The message that becomes its first part by an edit, if it names nobody; None: it is posted.
    into: str | None = None
    #: Whom it names, if it may have to name somebody.
    address: outgoing.Address | None = None


def freeze(
    db: sqlite3.Connection, entry: Entry, reply: Reply, *, attempt: Attempt | None, at: float
) -> tuple[Part, ...]:
    """Put *reply* into the outbox; where one is frozen already, return that one.

    A message that has ended takes none, whatever was frozen for it: ``()``.
    """
    fixed = (reply.verdict.value, storable(reply.text), storable(reply.reason), entry.seq)
    if db.execute(_FREEZE, fixed).rowcount:
        joined.join_free(db, [one.seq for one in entry.companions], to=entry.seq)
        parts, into = reply.parts, reply.into
        if reply.address is not None:
            parts = outgoing.addressed(db, entry, parts, reply.address)
            # An edit would notify nobody.
            into = into if parts is reply.parts else None
        added = outbox.add(db, entry.seq, parts, kind=reply.kind, at=at, into=into)
        if attempt is not None and reply.kind is PartKind.ANSWER:
            attempts.end(db, attempt, state=AttemptState.ANSWERED, error=None, at=at)
        if added and added[0].number == 0:
            return added  # nothing was said before it
    elif db.execute(_ENDED, (entry.seq,)).fetchone():
        return ()
    return outbox.of_entry(db, entry.seq)


def thaw(db: sqlite3.Connection, entry: int, *, attempt: Attempt) -> None:
    """Take a reply back of which nothing has left, so that *attempt* is as before it.

    If its message was stopped meanwhile, it was asked in vain.
    """
    if db.execute(_THAW, (entry,)).rowcount:
        outbox.discard_unsent(db, entry)
        attempts.reopen(db, attempt)
    else:
        attempts.stop_unheard(db, attempt)


def settle(
    db: sqlite3.Connection,
    entry: Entry,
    *,
    outcome: Outcome | None,
    reason: str | None,
    last: Part | None,
    remote_id: str | None,
    at: float,
) -> bool:
    """End a message, or return False when it has ended before."""
    if last is not None:
        outbox.mark_posted(db, last.seq, remote_id=remote_id, at=at)
    row = db.execute("SELECT * FROM inbox WHERE seq = ?", (entry.seq,)).fetchone()
    if row is None or row["state"] != "open":
        return False
    ended = outcome or _verdict(db, row)
    turn = [*_companions(db, row, ended), row]  # the leader last: what is open then waits again
    for one in turn:
        why = storable(reason) or row["reason"]
        db.execute(_SETTLE, (ended.value, why, at, one["seq"]))
        counters.count_settled(db, ended)
        attempts.end_running(db, one["seq"], error=f"its message was settled as {ended}", at=at)
    outbox.kill_rest(db, entry.seq, error=f"its message was settled as {ended}")
    if ended is Outcome.ANSWERED and row["answer"] is not None and not row["off_record"]:
        history.record(db, turn, answer=row["answer"], at=at)
    return True


def _companions(db: sqlite3.Connection, row: sqlite3.Row, ended: Outcome) -> Iterator[sqlite3.Row]:
    """Read what ends with a message. Who stops theirs does not stop what others asked with it."""
    others = ended is Outcome.STOPPED
    for one in joined.companions(db, row):
        if not (others and one["author_id"] != row["author_id"]):
            yield one


def _verdict(db: sqlite3.Connection, row: sqlite3.Row) -> Outcome:
    """Read what the message was to become; a caller that comes too early has a bug."""
    if row["verdict"] is None:
        raise ValueError(f"entry {row['seq']} has no verdict: name the outcome")
    if outbox.unposted(db, row["seq"]):
        raise ValueError(f"entry {row['seq']} has parts that are not posted: name the outcome")
    return Outcome(row["verdict"])
