"""What is brought to its end, whatever becomes of the turn that began it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog

from bot.errors import ChatError, JournalError

log = structlog.get_logger(__name__)

#: How long a stop waits for what is under way; the rest is taken up by the next start.
_FAREWELL_S = 2.0


class Errands:
    """Requests that must not be cut off in the middle: nobody would know what became of them."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._under_way: set[asyncio.Task[bool]] = set()

    def begin(self, work: Coroutine[Any, Any, bool], *, name: str) -> asyncio.Task[bool]:
        """Start *work*; its task returns whether it succeeded, and raises bugs only."""
        errand = self._group.create_task(_carried_out(work, name), name=name)
        self._under_way.add(errand)
        errand.add_done_callback(self._under_way.discard)
        return errand

    async def end(self) -> None:
        """Wait for what is under way, for a moment; then cut it off."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_FAREWELL_S)
        for errand in self._under_way:
            errand.cancel()


async def _carried_out(work: Coroutine[Any, Any, bool], name: str) -> bool:
    try:
        return await work
    except (ChatError, JournalError) as error:
        log.info("errand_failed", errand=name, why=str(error))
        return False


@asynccontextmanager
async def open_errands() -> AsyncIterator[Errands]:
    """Open the errands; those that are under way in the end get a moment."""
    async with asyncio.TaskGroup() as group:
        errands = Errands(group)
        yield errands
        await errands.end()
