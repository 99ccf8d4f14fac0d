"""Telling people that their messages are not answered, and why: one sentence a burst.

Who sends 500 messages in a second is told once, how many were left out. So the sentence waits for
a short pause, and all that was refused until then is settled with it, each counted.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from bot.journal.journal import Journal
from bot.records import Entry

#: A burst has ended when nothing more came for so long.
PAUSE_S: Final = 1.0
#: A burst that does not end is told of so often.
_LONGEST: Final = 10
#: Messages that one sentence is about, at most.
_MOST: Final = 1_000


class Refusals:
    """Finds out what a sentence is about."""

    def __init__(
        self, journal: Journal, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._journal = journal
        self._sleep = sleep

    async def burst(self, entry: Entry) -> Entry:
        """Return *entry* with all that was refused with it, once no more comes."""
        found = await self._refused_with(entry)
        for _ in range(_LONGEST):
            await self._sleep(PAUSE_S)
            before, found = found, await self._refused_with(entry)
            if len(found) == len(before):
                break
        return replace(entry, companions=found)

    async def _refused_with(self, entry: Entry) -> tuple[Entry, ...]:
        return await self._journal.companions.candidates(entry, author=None, limit=_MOST)
