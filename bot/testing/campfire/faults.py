"""What can be made to go wrong when a bot posts, or reads a room."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

Wait = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """An answer that says no."""

    status: int
    headers: Mapping[str, str]
    #: Whether what was asked for is done all the same.
    carried_out: bool


class Faults:
    """The faults that are due; none at first."""

    def __init__(self) -> None:
        self._failing_posts: deque[Failure] = deque()
        self._failing_reads: deque[Failure] = deque()
        self._failing_changes: deque[Failure] = deque()
        self._drops = 0
        self._wait_to_post: Wait = _at_once
        self._wait_to_read: Wait = _at_once
        self._wait_to_change: Wait = _at_once
        self._ended = asyncio.Event()

    def fail_posts(
        self,
        status: int,
        times: int = 1,
        headers: Mapping[str, str] | None = None,
        *,
        stored: bool = False,
    ) -> None:
        """Answer the next *times* posts with *status*, and store nothing unless *stored*."""
        failure = Failure(status=status, headers=dict(headers or {}), carried_out=stored)
        self._failing_posts.extend([failure] * times)

    def fail_reads(self, status: int, times: int = 1) -> None:
        """Answer the next *times* looks at a room's history with *status*."""
        failure = Failure(status=status, headers={}, carried_out=False)
        self._failing_reads.extend([failure] * times)

    def fail_changes(self, status: int, times: int = 1, *, done: bool = False) -> None:
        """Answer the next *times* edits, removals and reactions so, carried out only if *done*."""
        failure = Failure(status=status, headers={}, carried_out=done)
        self._failing_changes.extend([failure] * times)

    def drop_after_accept(self, times: int = 1) -> None:
        """Store the next *times* posts, and close the connection instead of answering."""
        self._drops += times

    def slow_posts(self, wait: float | Wait) -> None:
        """Wait before each post is stored: so many seconds, or at a `Gate`; 0 ends that."""
        self._wait_to_post = _waiting(wait)

    def slow_reads(self, wait: float | Wait) -> None:
        """Wait before each look at a room's history is answered, as `slow_posts`."""
        self._wait_to_read = _waiting(wait)

    def slow_changes(self, wait: float | Wait) -> None:
        """Wait before each edit, removal or reaction is carried out, as `slow_posts`."""
        self._wait_to_change = _waiting(wait)

    async def meet_post(self) -> Failure | None:
        """Be as slow as posts are; return the failure that is due."""
        await self._be_slow(self._wait_to_post)
        return self._failing_posts.popleft() if self._failing_posts else None

    async def meet_read(self) -> Failure | None:
        """Be as slow as reading is; return the failure that is due."""
        await self._be_slow(self._wait_to_read)
        return self._failing_reads.popleft() if self._failing_reads else None

    async def meet_change(self) -> Failure | None:
        """Be as slow as changes are; return the failure that is due."""
        await self._be_slow(self._wait_to_change)
        return self._failing_changes.popleft() if self._failing_changes else None

    def end(self) -> None:
        """Let go of every request that waits."""
        self._ended.set()

    def take_drop(self) -> bool:
        """Whether the answer to this post is to be dropped."""
        due = self._drops > 0
        self._drops -= due
        return due

    async def _be_slow(self, wait: Wait) -> None:
        """Wait as was asked for, until the end at most."""
        async with asyncio.TaskGroup() as group:
            slow = group.create_task(wait(), name="a slow request")
            end = group.create_task(self._ended.wait(), name="the end of slow requests")
            await asyncio.wait((slow, end), return_when=asyncio.FIRST_COMPLETED)
            slow.cancel()
            end.cancel()


def _waiting(wait: float | Wait) -> Wait:
    return wait if callable(wait) else lambda: asyncio.sleep(wait)


async def _at_once() -> None:
    pass
