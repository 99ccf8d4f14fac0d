"""Messages that are answered in another's turn: which they are, and how they come to it.

A turn has one leading message; the others point to it. Only the leader has a verdict and parts, it
alone is ever next in its lane, and what ends it ends them. A message that is open and joined has a
leader that is open.
"""

import sqlite3
from collections.abc import Sequence

# None of them may have been answered already: an attempt that failed is known not to be.
_CANDIDATES = """
    SELECT * FROM inbox AS mine
    WHERE lane = ?1 AND state = 'open' AND bot = ?2 AND seq <> ?3
    AND joined IS NULL AND verdict IS NULL AND (?4 IS NULL OR author_id = ?4)
    AND ifnull((
        SELECT state FROM attempts WHERE entry = mine.seq ORDER BY number DESC LIMIT 1
    ), 'failed') = 'failed'
    ORDER BY position, seq LIMIT ?5
"""

_FREE = """
    SELECT count(*) FROM inbox
    WHERE state = 'open' AND verdict IS NULL AND ifnull(joined, ?1) = ?1 AND seq IN
"""

_JOIN = """
    UPDATE inbox SET joined = ?1
    WHERE state = 'open' AND verdict IS NULL AND joined IS NULL AND seq <> ?1 AND seq IN
"""

_ABSORB = """
    UPDATE inbox SET joined = ?1
    WHERE state = 'open' AND verdict IS NULL AND joined IS NULL AND seq <> ?1
    AND EXISTS (SELECT 1 FROM inbox AS leader WHERE leader.seq = ?1 AND leader.state = 'open')
    AND seq IN (
        SELECT entry FROM attempts WHERE prompt_uuid IN
"""

_COMPANIONS = "SELECT * FROM inbox WHERE joined = ? AND state = ? ORDER BY position, seq"


def candidates(
    db: sqlite3.Connection, *, lane: str, bot: str, leader: int, author: str | None, limit: int
) -> list[sqlite3.Row]:
    """Read what waits for *bot* in *lane* and could be answered together with *leader*.

    Of one *author*, or of everybody. Never a message that may have its answer already.
    """
    values = (lane, bot, leader, author, limit)
    return db.execute(_CANDIDATES, values).fetchall()


def join(db: sqlite3.Connection, entries: Sequence[int], *, to: int) -> bool:
    """Have *entries* answered in the turn of *to*; all of them, or else none and False."""
    if not entries:
        return True
    marks = _marks(entries)
    (free,) = db.execute(f"{_FREE} ({marks})", (to, *entries)).fetchone()
    if free != len(entries):
        return False
    join_free(db, entries, to=to)
    return True


def join_free(db: sqlite3.Connection, entries: Sequence[int], *, to: int) -> None:
    """Have those of *entries* answered in the turn of *to* that wait for their own."""
    if entries:
        db.execute(f"{_JOIN} ({_marks(entries)})", (to, *entries))


def absorb(db: sqlite3.Connection, prompt_uuids: Sequence[str], *, by: int) -> None:
    """Join to *by* the messages whose prompts its answer has answered too.

    Not to one that has been stopped just now: nobody would ever come back to them.
    """
    if prompt_uuids:
        db.execute(f"{_ABSORB} ({_marks(prompt_uuids)}))", (by, *prompt_uuids))


def companions(db: sqlite3.Connection, leader: sqlite3.Row) -> list[sqlite3.Row]:
    """Read what is answered in the turn of *leader*, or ended in it as that one did."""
    if leader["joined"] is not None:
        return []
    return db.execute(_COMPANIONS, (leader["seq"], leader["state"])).fetchall()


def open_among(db: sqlite3.Connection, entries: Sequence[int]) -> frozenset[int]:
    """Return those of *entries* that are open."""
    marks = _marks(entries)
    rows = db.execute(f"SELECT seq FROM inbox WHERE state = 'open' AND seq IN ({marks})", entries)  # noqa: S608 - only marks
    return frozenset(seq for (seq,) in rows)


def leader(db: sqlite3.Connection, row: sqlite3.Row) -> sqlite3.Row:
    """Read in whose turn a message is: its own, too, when the other is gone."""
    if row["joined"] is None:
        return row
    found: sqlite3.Row | None = db.execute(
        "SELECT * FROM inbox WHERE seq = ?", (row["joined"],)
    ).fetchone()
    return row if found is None else found


def release(db: sqlite3.Connection, entry: int) -> None:
    """Let a message wait for a turn of its own."""
    db.execute("UPDATE inbox SET joined = NULL WHERE seq = ?", (entry,))


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
