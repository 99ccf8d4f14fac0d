"""The dead letters, for operators."""

from collections.abc import Callable
from functools import partial

from bot.journal import dead_letters
from bot.journal.views import DeadLetter
from bot.journal.writer import Writer


class Letters:
    """What was given up: listed, read, owed again, or put aside."""

    def __init__(self, writer: Writer, *, now: Callable[[], float]) -> None:
        self._writer = writer
        self._now = now

    async def listed(self, *, limit: int = 50, before: int | None = None) -> tuple[DeadLetter, ...]:
        """Read what was given up, newest first; *before* is the last page's lowest number."""
        return await self._writer.read(partial(dead_letters.listed, limit=limit, before=before))

    async def read(self, seq: int) -> DeadLetter | None:
        """Read one that was given up, dropped or not; None when it was not."""
        return await self._writer.read(partial(dead_letters.read, seq=seq))

    async def retry(self, seq: int) -> bool:
        """Owe a dead letter again; False when it is none. The caller enqueues its lane."""
        return await self._writer.write(partial(dead_letters.retry, seq=seq))

    async def drop(self, seq: int) -> bool:
        """Take a dead letter off the list, where it stays counted; False when it is none."""
        return await self._writer.write(partial(dead_letters.drop, seq=seq, at=self._now()))
