"""The loop that everything runs on, outside of pytest's own."""

import asyncio
import sys
import threading
from collections.abc import Iterator

import pytest

from bot.cli.loop import THREADS, run


@pytest.fixture(autouse=True)
def _switching() -> Iterator[None]:
    """Give the interpreter's patience back, which is the whole process's."""
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


def test_threads_are_there_from_the_start_and_never_more() -> None:
    """However much blocks at the same time: more with every rush would be a slow leak."""
    counts: list[int] = []
    # So many are in their threads at once; the others wait for one of them.
    together = threading.Barrier(THREADS)

    async def main() -> None:
        counts.append(threading.active_count())
        await asyncio.gather(*(asyncio.to_thread(together.wait) for _ in range(8 * THREADS)))
        counts.append(threading.active_count())

    outside = threading.active_count()
    run(main())
    assert [count - outside for count in counts] == [THREADS, THREADS]
    assert threading.active_count() == outside
