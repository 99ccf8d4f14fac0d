"""What can be made to go wrong when a bot posts."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

Wait = Callable[[], Coroutine[Any, Any, None]]


class Faults:
    """The faults that are due; none at first."""

    def __init__(self) -> None:
        self._failures: deque[tuple[int, dict[str, str]]] = deque()
        self._drops = 0
        self._wait: Wait = _at_once
        self._ended = asyncio.Event()

    def fail_posts(
        self, status: int, times: int = 1, headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer the next *times* posts with *status*, and store nothing."""
        self._failures.extend([(status, dict(headers or {}))] * times)

    def drop_after_accept(self, times: int = 1) -> None:
        """Store the next *times* posts, and close the connection instead of answering."""
        self._drops += times

    def slow_posts(self, wait: float | Wait) -> None:
        """Wait before each post is stored: so many seconds, or at a `Gate`; 0 ends that."""
        self._wait = wait if callable(wait) else lambda: asyncio.sleep(wait)

    async def wait(self) -> None:
        """Be as slow as was asked for, until the end."""
        async with asyncio.TaskGroup() as group:
            slow = group.create_task(self._wait(), name="a slow post")
            end = group.create_task(self._ended.wait(), name="the end of slow posts")
            await asyncio.wait((slow, end), return_when=asyncio.FIRST_COMPLETED)
            slow.cancel()
            end.cancel()

    def end(self) -> None:
        """Let go of every post that waits."""
        self._ended.set()

    def take_failure(self) -> tuple[int, dict[str, str]] | None:
        """Return status and headers of a failure that is due."""
        return self._failures.popleft() if self._failures else None

    def take_drop(self) -> bool:
        """Whether the answer to this post is to be dropped."""
        due = self._drops > 0
        self._drops -= due
        return due


async def _at_once() -> None:
    pass
