"""The lives of the server, from a start to its end, and who ran when one was lost.

Lost is a life that ended without the server being told to stop: by a kill, a power cut, a bug.
"""

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bot.journal.lock import lock_of, note_life
from bot.journal.views import LostLife, Trial, Trials
from bot.journal.writer import Writer

#: How often the server notes that it lives.
_BEAT_S = 0.25

_LOSE = "UPDATE life SET lost_at = ? WHERE stopped_at IS NULL AND lost_at IS NULL"

_STOP = "UPDATE life SET stopped_at = ? WHERE seq = (SELECT max(seq) FROM life)"

# Those of an older server are not numbered: they were before all that are.
_TRIALS = """
    SELECT ifnull(life, 0) AS life, ended_at - started_at AS lasted_s FROM attempts
    WHERE entry = ? AND state = 'interrupted' AND alone = 1 ORDER BY number
"""

_LOST = "SELECT seq FROM life WHERE lost_at IS NOT NULL AND seq > ? ORDER BY seq"

# Whoever got through a turn since has not ended the server.
_UNANSWERED = """
    SELECT DISTINCT attempts.life, attempts.entry
    FROM attempts JOIN inbox ON inbox.seq = attempts.entry
    WHERE attempts.life > ? AND attempts.state = 'interrupted'
    AND ifnull(inbox.verdict, inbox.state) NOT IN ('answered', 'told')
"""


def begin(db: sqlite3.Connection, *, at: float) -> None:
    """Begin a life; the one before, if it was not told to stop, is lost."""
    db.execute(_LOSE, (at,))
    db.execute("DELETE FROM life WHERE stopped_at IS NOT NULL")
    db.execute("INSERT INTO life (began_at) VALUES (?)", (at,))


def stop(db: sqlite3.Connection, *, at: float) -> None:
    """Note that the server is told to stop: however its life ends now, it is not lost."""
    db.execute(_STOP, (at,))


def forget(db: sqlite3.Connection, *, before: float) -> None:
    """Delete what was lost earlier: hardly a message can be judged by it any more."""
    db.execute("DELETE FROM life WHERE lost_at < ?", (before,))


def trials(db: sqlite3.Connection, entry: int) -> Trials:
    """Read in which trials of *entry* the server ended, and what was lost since the first."""
    own = _trials(db, entry)
    if not own:
        return Trials(of_message=(), lost=())
    since = own[0].life
    suspects = defaultdict(list)
    for life, other in db.execute(_UNANSWERED, (since,)).fetchall():
        suspects[life].append(_trials(db, other))
    lost = [
        LostLife(number=life, suspects=tuple(filter(None, suspects[life])))
        for (life,) in db.execute(_LOST, (since,)).fetchall()
    ]
    return Trials(of_message=own, lost=tuple(lost))


def _trials(db: sqlite3.Connection, entry: int) -> tuple[Trial, ...]:
    rows = db.execute(_TRIALS, (entry,))
    return tuple(Trial(life=row["life"], lasted_s=row["lasted_s"]) for row in rows)


class Lives:
    """The lives of the server, as whoever judges messages asks for them."""

    def __init__(self, writer: Writer, path: Path, *, now: Callable[[], float]) -> None:
        self._writer = writer
        self.lock = lock_of(path)
        self._now = now

    async def trials(self, entry: int) -> Trials:
        """Read how often the server ended while *entry* was tried and nothing else ran."""
        return await self._writer.read(partial(trials, entry=entry))

    @contextmanager
    def noted(self, *, every_s: float = _BEAT_S) -> Iterator[None]:
        """Note again and again, as long as the block runs, that the server lives.

        So the next start knows when it ended. It is the loop that notes, and not a thread: when a
        message holds the loop until somebody ends the server, the end is when that began. The
        disk is touched in a thread, for nobody may wait for it.
        """
        loop = asyncio.get_running_loop()
        noting: asyncio.Future[None] | None = None
        timer: asyncio.TimerHandle

        def beat() -> None:
            nonlocal noting, timer
            if noting is None or noting.done():
                noting = loop.run_in_executor(None, note_life, self.lock, self._now())
            timer = loop.call_later(every_s, beat)

        beat()
        try:
            yield
        finally:
            timer.cancel()
