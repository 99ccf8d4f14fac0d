"""The journal, read as it lies there, whether the server runs or has ended."""

import sqlite3
from contextlib import closing
from pathlib import Path

from bot.journal import lives
from bot.rooms.evidence import weigh
from tests.chaos.records import Row

_ROWS = """
    SELECT
        inbox.seq, message_id, bot, lane, room, inbox.state, reason, accepted_at, settled_at,
        (SELECT group_concat(started_at) FROM attempts WHERE attempts.entry = inbox.seq) AS starts,
        (SELECT count(*) FROM outbox
            WHERE outbox.entry = inbox.seq AND kind = 'answer' AND possible_duplicate) AS marked,
        (SELECT ifnull(sum(tries), 0) FROM outbox
            WHERE outbox.entry = inbox.seq AND kind = 'answer' AND possible_duplicate) AS spare,
        (SELECT count(*) FROM outbox WHERE outbox.entry = inbox.seq AND kind = 'notice'
            AND (state = 'posted' OR possible_duplicate)) AS notices,
        (SELECT ifnull(sum(tries), 0) FROM outbox WHERE outbox.entry = inbox.seq
            AND kind = 'notice' AND possible_duplicate) AS spare_notices,
        (SELECT count(*) FROM outbox
            WHERE outbox.entry = inbox.seq AND kind = 'progress' AND number = 2) AS working
    FROM inbox ORDER BY inbox.seq
"""


def read_rows(path: Path) -> tuple[Row, ...]:
    """Read every message with its attempts and its reply."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        return tuple(map(_row, db.execute(_ROWS)))


def calm_s(path: Path) -> float:
    """Return how long the server has to live before all that is open has been tried."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        owed = db.execute("SELECT seq FROM inbox WHERE state = 'open' AND verdict IS NULL")
        waits = [weigh(lives.trials(db, seq)).calm_s for (seq,) in owed.fetchall()]
    return max(waits, default=0.0)


def _row(row: sqlite3.Row) -> Row:
    starts = str(row["starts"] or "")
    return Row(
        message_id=int(row["message_id"]),
        bot=row["bot"],
        lane=row["lane"],
        room=int(row["room"]),
        state=row["state"],
        reason=row["reason"],
        accepted_at=row["accepted_at"],
        settled_at=row["settled_at"],
        starts=tuple(sorted(float(start) for start in starts.split(",") if start)),
        marked=row["marked"],
        spare=row["spare"],
        notices=row["notices"],
        spare_notices=row["spare_notices"],
        working=row["working"],
    )
