"""What waits for the journal's thread, in the order in which it came."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any, Final

from bot.journal.operation import Pending

#: Most operations in a commit: bounds how long the first of them waits for the last.
BATCH: Final = 512


class Intake:
    """Filled by the loop, emptied by the thread."""

    def __init__(self) -> None:
        #: Whether the thread has come to the end.
        self.ended = False
        self._queue: SimpleQueue[list[Pending[Any]] | None] = SimpleQueue()
        self._held: list[Pending[Any]] | None = None

    # ---- in the loop ----

    def put(self, one: Pending[Any]) -> None:
        """Have an operation wait."""
        if self._held is None:
            self._queue.put([one])
        else:
            self._held.append(one)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Have what is put in the block share a commit.

        The thread would often get in between: it is woken by the first, and whatever the loop does
        until the second may give the interpreter away. Not within another such block.
        """
        held = self._held = []
        try:
            yield
        finally:
            self._held = None
            if held:
                self._queue.put(held)

    def end(self) -> None:
        """Let the thread end when it has taken what is there."""
        self._queue.put(None)

    # ---- in the thread ----

    def take(self, *, timeout_s: float | None = None) -> list[Pending[Any]]:
        """Wait for one operation, then take what is there already. Raises Empty."""
        taken: list[Pending[Any]] = []
        more = self._queue.get(timeout=timeout_s)
        with suppress(Empty):
            while more is not None:
                taken += more
                if len(taken) >= BATCH:
                    break
                more = self._queue.get_nowait()
        self.ended = more is None
        return taken

    # ---- when the thread is gone ----

    def left(self) -> list[Pending[Any]]:
        """Take what it has left."""
        left: list[Pending[Any]] = []
        with suppress(Empty):
            while more := self._queue.get_nowait():
                left += more
        return left
