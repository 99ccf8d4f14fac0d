"""What turns leave behind goes by itself: nobody has to look for it.

Else the server grows until the interpreter stops to look, which takes the longer the more it holds.
"""

import asyncio
import gc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.operate.garbage import WORTH
from tests.e2e.world import PATIENCE_S, open_world


@contextmanager
def circles() -> Iterator[list[str]]:
    """Give the classes of ours of which something was left in circles, once the block has ended."""
    found: list[str] = []
    gc.collect()
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found.extend(sorted({name for one in gc.garbage if (name := _ours(one))}))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def _ours(one: object) -> str | None:
    module = type(one).__module__
    stands_in = module.startswith("bot.testing.")
    return f"{module}.{type(one).__name__}" if module.startswith("bot.") and not stands_in else None


async def test_a_turn_leaves_no_circle_behind(tmp_path: Path) -> None:
    """Hot turns, and one whose child boots for it and ends with it."""
    async with open_world(tmp_path) as world, world.serving() as server:
        await world.ask("@Ada hello")
        await server.settled()
        with circles() as found:
            await world.ask("@Ada hello again")
            await world.ask("@Ada off the record: hello")
            await server.settled()
            await server.until("/session/stats", lambda page: page["hot"] == 1)
        assert found == []


class Ring:
    """Knows itself, so that it goes only when it is looked for."""

    def __init__(self) -> None:
        self.itself = self


async def test_a_quiet_server_looks_for_garbage(tmp_path: Path) -> None:
    """What libraries leave behind goes when nobody waits, and not in the middle of a rush."""
    async with open_world(tmp_path) as world, world.serving() as server:
        gc.disable()  # nobody else is to look
        try:
            left, many = weakref.ref(Ring()), [[number] for number in range(2 * WORTH)]
            async with asyncio.timeout(PATIENCE_S):
                while left() is not None:
                    await server.get("/session/stats")
            assert many
        finally:
            gc.enable()
