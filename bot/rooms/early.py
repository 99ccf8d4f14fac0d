"""A reply that is frozen before it is known to be the reply.

When the text of an answer is complete, the child has yet to say why the model stopped, and that
takes about as long as the disk takes to record a reply. So both happen at once. Nothing leaves
before the reason is known; where more was to come, or something failed, the reply is taken back.
Should the server be killed in between, the room gets what was said until then.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import structlog

from bot.agent.reply import Reply
from bot.errors import JournalUnavailable
from bot.journal.journal import Journal
from bot.records import Attempt, Entry, Part
from bot.rooms.showing import Showing

log = structlog.get_logger(__name__)

R = TypeVar("R", bound=Reply | None)
Parts = asyncio.Future[tuple[Part, ...]]
#: Freezes an answer, or returns None where that has to wait until it is known to be one.
Freeze = Callable[[Entry, Attempt, str], Parts | None]


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
        self._asked: tuple[Entry, Attempt] | None = None
        #: What may be the answer, if anything was complete by now.
        self._text: str | None = None
        self._frozen: Parts | None = None

    def follow(self, said: Callable[[], str]) -> None:
        """Let the room follow it."""
        if self._showing is not None:
            self._showing.follow(said)

    def complete(self, text: str) -> None:
        """Freeze *text*, unless it goes on after another one."""
        if self._asked is not None and self._text is None and _plain(*self._asked):
            self._text = text
            # Later: it is the reader of the child who calls, and has more to read.
            asyncio.get_running_loop().call_soon(self._begin, *self._asked, text)

    async def heed(self, entry: Entry, attempt: Attempt, asked: Coroutine[None, None, R]) -> R:
        """Return what *asked* returns: what is frozen by then is that, or is taken back."""
        self._asked, self._text = (entry, attempt), None
        reply: R | None = None
        try:
            reply = await asked
        finally:
            if reply is None or reply.kept_as is not None or reply.text != self._text:
                self.take_back()
        return reply

    async def give_way(self) -> str | None:
        """Show nothing more; see `Showing.give_way`."""
        return None if self._showing is None else await self._showing.give_way()

    async def adopt(self, into: str | None) -> tuple[Part, ...] | None:
        """Return the parts of the reply, which are synced then; None when there is none.

        Nor is there when it shall be made of the message *into*, which is of the last moment.
        """
        parts: tuple[Part, ...] | None = None
        if into is not None:
            self.take_back()
        if self._frozen is not None:
            with suppress(JournalUnavailable):  # whoever freezes it now is told
                parts = await self._frozen
        self._asked = self._frozen = None
        return parts

    def take_back(self) -> None:
        """Let nothing have been frozen: what is written from now on finds it so."""
        asked, frozen = self._asked, self._frozen
        self._asked = self._frozen = None
        if asked is not None and frozen is not None:
            log.info("reply_taken_back", entry=asked[0].seq)
            try:
                self._journal.thaw(*asked).add_done_callback(_see)
            except JournalUnavailable as error:  # it is closed, and nothing is said any more
                log.warning("early_reply_failed", why=str(error))

    def _begin(self, entry: Entry, attempt: Attempt, text: str) -> None:
        if self._asked == (entry, attempt):
            self._frozen = self._freeze(entry, attempt, text)
        if self._frozen is not None:
            self._frozen.add_done_callback(_see)


def _plain(entry: Entry, attempt: Attempt) -> bool:
    """Whether nobody else's question, and no earlier try, has to do with it."""
    alone = not entry.companions and not entry.message.off_record
    return alone and not entry.attempts and attempt.behind is None


def _see(done: asyncio.Future[Any]) -> None:
    """Look at an error: whoever comes next asks the journal again, and is told."""
    if not done.cancelled() and (error := done.exception()) is not None:
        log.warning("early_reply_failed", why=str(error))
