"""Showing in the rooms that turns are under way, beside the turns and never in their way."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from bot.config.bot import Bot
from bot.records import Entry
from bot.rooms.clearing import Clearing
from bot.rooms.showing import Means, Showing, Stage


class Progress:
    """Begins to show a turn, and cleans up after it."""

    def __init__(self, means: Means, chats: Mapping[str, Stage], clearing: Clearing) -> None:
        self._means = means
        self._chats = chats
        self._clearing = clearing

    @asynccontextmanager
    async def shown(self, entry: Entry, bot: Bot) -> AsyncIterator[Showing]:
        """Show the turn of *entry* until the block ends. A bug in that costs the message."""
        showing = Showing(entry, bot, self._chats[bot.platform], self._means)
        self._clearing.busy.add(entry.seq)
        try:
            async with asyncio.TaskGroup() as group:
                if bot.turn.progress:
                    showing.begin(group)
                try:
                    yield showing
                finally:
                    showing.end()
        except BaseExceptionGroup as failed:
            # Whoever runs the turn knows its errors by their class, not in a group of one.
            raise failed.exceptions[0] from None
        finally:
            self._part_with(entry, showing.errand)

    def look(self, entry: Entry) -> None:
        """Clean up after *entry*, which may have been shown by an earlier process."""
        self._means.errands.begin(self._clean(entry, None), name=f"farewell to {entry.seq}")

    def _part_with(self, entry: Entry, errand: asyncio.Task[bool] | None) -> None:
        if errand is None and not entry.attempts:
            self._clearing.busy.discard(entry.seq)
            return
        self._means.errands.begin(self._clean(entry, errand), name=f"farewell to {entry.seq}")

    async def _clean(self, entry: Entry, errand: asyncio.Task[bool] | None) -> bool:
        try:
            if errand is not None:
                await asyncio.wait({errand})
        finally:
            self._clearing.busy.discard(entry.seq)
        await self._clearing.run()
        return True
