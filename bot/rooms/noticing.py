"""A reaction to what has to wait: whoever wrote it sees that it was heard.

A turn shows its own leading message. All others that are open have waited, for their own turn or
in somebody else's; each gets the same sign, and in the end its own mark.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

import structlog

from bot.errors import JournalError
from bot.records import Entry
from bot.rooms.clearing import Clearing, Roster
from bot.rooms.showing import Means, Stage, see

log = structlog.get_logger(__name__)

#: Messages that are reacted to at the same time: the platform has people to serve as well.
_AT_ONCE: Final = 4


class Noticing:
    """Looks at what waits, soon after something has begun to."""

    def __init__(
        self, means: Means, roster: Roster, chats: Mapping[str, Stage], clearing: Clearing
    ) -> None:
        self._means = means
        self._roster = roster
        self._chats = chats
        self._clearing = clearing
        self._news = asyncio.Event()
        self._news.set()  # an earlier process may have left something
        #: Up to this number, all messages were looked at.
        self._upto = 0

    def expect(self) -> None:
        """Take note that a message waits."""
        self._news.set()

    async def run(self) -> None:
        """React to what has waited for a moment, for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            await self._means.sleep(self._means.pace.seen_s)
            try:
                await self._look()
            except JournalError as error:
                log.info("waiting_unseen", why=str(error))

    async def _look(self) -> None:
        """React to what is not answered yet, the first that came first."""
        signs, moment = self._means.journal.signs, self._means.now() - self._means.pace.seen_s
        while self._possible() and (
            waiting := await signs.unseen(after=self._upto, before=moment, limit=_AT_ONCE)
        ):
            self._upto = waiting[-1].seq
            seen = [self._see(entry) for entry in waiting]
            errands = [errand for errand in seen if errand is not None]
            if errands:
                await asyncio.wait(errands)

    def _possible(self) -> bool:
        """Whether there is a reaction anywhere; if not, nothing has to be read for it."""
        return any(stage.can_react() for stage in self._chats.values())

    def _see(self, entry: Entry) -> asyncio.Task[bool] | None:
        """Begin to react to a message, if that is wanted, and for nobody else to do."""
        bot = self._roster.serving(entry.message.bot)
        if bot is None or not bot.turn.progress or entry.seq in self._clearing.busy:
            return None
        stage = self._chats[bot.platform]
        if not stage.can_react():
            return None
        work = see(entry, stage, bot.credentials.key, self._means.journal)
        return self._means.errands.begin(
            self._clearing.notice(entry, work), name=f"notice {entry.seq}"
        )
