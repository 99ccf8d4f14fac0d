"""A reply that is frozen before it is known to be the reply.

When the text of an answer is complete, the child has yet to say why the model stopped, and that
takes about as long as the disk takes to record a reply. So both happen at once. Nothing leaves
before the reason is known; where more was to come, or something failed, the reply is taken back.
Should the server be killed in between, the room gets what was said until then.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

import structlog

from bot.agent.reply import Reply
from bot.errors import AgentError, JournalUnavailable
from bot.journal.journal import Journal
from bot.records import Attempt, Entry, Part
from bot.rooms.showing import Showing

log = structlog.get_logger(__name__)

R = TypeVar("R", bound=Reply | None)
Parts = asyncio.Future[tuple[Part, ...]]
#: Freezes an answer, or returns None where that has to wait until it is known to be one.
Freeze = Callable[[Entry, Attempt, str], Parts | None]

#: Longest time for which a reply may be taken back. What was decided with it, and when it was to
#: leave, is of the moment in which it was frozen: it is frozen anew then.
LASTS_S: Final = 1.0
#: Between two tries to have it taken back.
_RETRY_S: Final = 1.0


def _never(_entry: Entry, _attempt: Attempt, _text: str) -> None:
    """Freeze nothing."""


class EarlyReply:
    """Follows the answer to one message, and freezes it early where that may be done."""

    def __init__(
        self, journal: Journal, *, freeze: Freeze = _never, showing: Showing | None = None
    ) -> None:
        self._journal = journal
        self._freeze = freeze
        self._showing = showing
        #: For whom it may be frozen; None: for nobody, or not any more.
        self._asked: tuple[Entry, Attempt] | None = None
        self._text: str | None = None
        self._frozen: Parts | None = None
        self._end: asyncio.TimerHandle | None = None
        #: What is being taken back, and whether it was.
        self._thawing: tuple[Entry, Attempt, asyncio.Future[None] | None] | None = None

    def follow(self, said: Callable[[], str]) -> None:
        """Let the room follow it."""
        if self._showing is not None:
            self._showing.follow(said)

    def complete(self, text: str) -> None:
        """Freeze *text*, unless it goes on after another one."""
        if self._text is not None:
            self.take_back()
        elif self._showing is not None and self._asked is not None and _plain(*self._asked):
            self._text = text
            # It is the reader of the child who calls, whom a bug in that is not to end.
            self._showing.beside(self._begin())

    def goes_on(self) -> None:
        """Take back what was complete."""
        self.take_back()

    async def heed(self, entry: Entry, attempt: Attempt, asked: Coroutine[None, None, R]) -> R:
        """Return what *asked* returns: what is frozen by then is that, or is taken back."""
        self._asked, self._text = (entry, attempt), None
        reply: R | None = None
        try:
            reply = await asked
        except AgentError:
            self.take_back()
            await self.taken_back()
            raise
        finally:
            if reply is None or reply.kept_as is not None or reply.text != self._text:
                self.take_back()
        return reply

    async def adopt(self) -> tuple[Part, ...] | None:
        """Return the parts of the reply, which are synced then; None when there is none.

        What the room was shown in the last moment may have to become the reply: then there is none.
        """
        if self._showing is not None and not self._showing.blank:
            self.take_back()
        parts: tuple[Part, ...] | None = None
        self._leave_it()
        if self._frozen is not None:
            try:
                parts = await self._frozen
            except JournalUnavailable as error:
                log.warning("early_reply_failed", why=str(error))
        self._forget()
        await self.taken_back()
        return parts

    def take_back(self) -> None:
        """Let nothing have been frozen: what is written from now on finds it so."""
        asked, frozen = self._asked, self._frozen
        self._forget()
        if asked is not None and frozen is not None:
            log.info("reply_taken_back", entry=asked[0].seq)
            self._thaw(*asked)

    async def taken_back(self) -> None:
        """Return when all that was taken back is so on disk, however long that is full."""
        while self._thawing is not None:
            entry, attempt, thawing = self._thawing
            try:
                await (thawing or self._journal.thaw(entry, attempt))
                self._thawing = None
            except JournalUnavailable as error:
                log.warning("early_reply_stays", entry=entry.seq, why=str(error))
                self._thawing = entry, attempt, None
                await asyncio.sleep(_RETRY_S)

    async def give_way(self) -> str | None:
        """Show nothing more; see `Showing.give_way`."""
        return None if self._showing is None else await self._showing.give_way()

    async def _begin(self) -> None:
        if self._asked is None or self._text is None:
            return
        try:
            self._frozen = self._freeze(*self._asked, self._text)
        except JournalUnavailable as error:
            log.warning("early_reply_failed", why=str(error))
        if self._frozen is not None:
            self._frozen.add_done_callback(_see)
            self._end = asyncio.get_running_loop().call_later(LASTS_S, self.take_back)

    def _thaw(self, entry: Entry, attempt: Attempt) -> None:
        thawing: asyncio.Future[None] | None = None
        try:
            thawing = self._journal.thaw(entry, attempt)
            thawing.add_done_callback(_see)
        except JournalUnavailable as error:  # it is closed
            log.warning("early_reply_failed", why=str(error))
        self._thawing = (entry, attempt, thawing)

    def _forget(self) -> None:
        self._asked = self._frozen = None
        self._leave_it()

    def _leave_it(self) -> None:
        """Let time take nothing back."""
        if self._end is not None:
            self._end.cancel()
            self._end = None


def _plain(entry: Entry, attempt: Attempt) -> bool:
    """Whether nobody else's question, and no earlier try, has to do with it."""
    alone = not entry.companions and not entry.message.off_record
    return alone and attempt.number == 1 and attempt.behind is None


def _see(done: asyncio.Future[Any]) -> None:
    """Look at an error, also when nobody waits for it any more."""
    if not done.cancelled() and (error := done.exception()) is not None:
        log.warning("early_reply_failed", why=str(error))
