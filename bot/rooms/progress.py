"""Showing in the rooms that turns are under way, beside the turns and never in their way."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from bot.config.bot import Bot
from bot.journal.journal import Journal
from bot.records import Entry
from bot.rooms.clearing import Clearing, Roster
from bot.rooms.errands import open_errands
from bot.rooms.lookup import Lookup
from bot.rooms.noticing import Noticing
from bot.rooms.showing import Means, Pace, Showing, Stage


class Progress:
    """Begins to show a turn, and cleans up after it."""

    def __init__(
        self, means: Means, chats: Mapping[str, Stage], clearing: Clearing, noticing: Noticing
    ) -> None:
        self._means = means
        self._chats = chats
        self._clearing = clearing
        #: Take note that a message waits.
        self.expect = noticing.expect

    @asynccontextmanager
    async def shown(self, entry: Entry, bot: Bot) -> AsyncIterator[Showing]:
        """Show the turn of *entry* until the block ends. A bug in that costs the message."""
        showing = Showing(entry, bot, self._chats[bot.platform], self._means)
        self._clearing.busy.add(entry.seq)
        try:
            async with asyncio.TaskGroup() as group:
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

    async def clean(self) -> None:
        """Clean up after all turns that have ended. Raises JournalError."""
        await self._clearing.run()

    def look(self, entry: Entry) -> None:
        """Clean up after *entry*, which may have been shown by an earlier process."""
        self._means.errands.begin(self._clean(entry, None), name=f"farewell to {entry.seq}")

    def _part_with(self, entry: Entry, errand: asyncio.Task[bool] | None) -> None:
        if errand is None and not entry.attempts and not self._clearing.owes_marks:
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


@asynccontextmanager
async def open_progress(
    journal: Journal, roster: Roster, chats: Mapping[str, Stage], *, pace: Pace
) -> AsyncIterator[Progress]:
    """Open the progress; what is under way in the end gets a moment."""
    lookup = Lookup(journal)
    clearing = Clearing(journal, roster, chats, lookup=lookup)
    async with open_errands() as errands:
        means = Means(journal=journal, lookup=lookup, errands=errands, pace=pace)
        noticing = Noticing(means, roster, chats, clearing)
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(noticing.run(), name="notice what waits")
            try:
                yield Progress(means, chats, clearing, noticing)
            finally:
                looking.cancel()
