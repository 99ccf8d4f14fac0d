"""How long a delivery may wait for its commit."""

import asyncio
from collections import deque

from bot.errors import NotRecorded
from bot.records import Acceptance

_Answer = asyncio.Future[Acceptance]


class Patience:
    """Gives up on what takes too long, with one timer for all: everybody waits equally long."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        #: With the time at which to give up, the earliest first.
        self._waiting: deque[tuple[float, _Answer]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def limit(self, answer: _Answer) -> _Answer:
        """Return *answer*, which fails with NotRecorded when its time is over."""
        loop = answer.get_loop()
        waiting = self._waiting
        while waiting and waiting[0][1].done():
            waiting.popleft()
        waiting.append((loop.time() + self._seconds, answer))
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._look, loop)
        return answer

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give up on those whose time is over, and come back for the next."""
        waiting, now = self._waiting, loop.time()
        while waiting and (waiting[0][1].done() or waiting[0][0] <= now):
            _, answer = waiting.popleft()
            if not answer.done():
                answer.set_exception(NotRecorded(f"not on disk within {self._seconds:g} s"))
        self._timer = loop.call_at(waiting[0][0], self._look, loop) if waiting else None
