"""Turns that somebody ends: what of a turn can be cut short just now, and how."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _Cut:
    """A stretch of a turn that can be cut short."""

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self._task = task
        self._others = task.cancelling()
        self.made = False

    def make(self) -> None:
        """Cut it short, once."""
        if not self.made:
            self.made = True
            self._task.cancel()

    @property
    def alone(self) -> bool:
        """Whether nobody else wants the whole task to end."""
        return self.made and self._task.cancelling() <= self._others + 1


class Endings:
    """The turns that run, each in a task of its own, and how to end one of them.

    Nothing is recorded here. A turn that was cut short looks into the journal for what has become
    of its message, so whoever ends one writes that down first.
    """

    def __init__(self) -> None:
        #: By the number of the message.
        self._turns: dict[int, asyncio.Task[Any]] = {}
        self._cuts: dict[asyncio.Task[Any], _Cut] = {}

    @contextmanager
    def turn(self, seq: int) -> Iterator[None]:
        """Run the turn of message *seq* in this block."""
        self._turns[seq] = _this_task()
        try:
            yield
        finally:
            del self._turns[seq]

    @contextmanager
    def endable(self) -> Iterator[None]:
        """Let this block be cut short: the turn goes on behind it, as if it had come to its end."""
        task = _this_task()
        cut = self._cuts[task] = _Cut(task)
        try:
            yield
        except asyncio.CancelledError:
            if not cut.alone:
                raise
        finally:
            self._cuts.pop(task, None)
            if cut.made:
                task.uncancel()

    def seal(self) -> None:
        """Let what is left of the block that runs not be cut short any more."""
        self._cuts.pop(_this_task(), None)

    def end(self, seq: int) -> bool:
        """Cut the turn of message *seq* short; False when it does not run, or cannot be now."""
        task = self._turns.get(seq)
        cut = self._cuts.get(task) if task is not None else None
        if cut is None:
            return False
        cut.make()
        return True


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None, "a turn is run by a task"  # noqa: S101 - a caller's bug
    return task
