"""One session in memory: its file, its conversation while it is open, and who may touch it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from bot.agent.conversation import Conversation
from bot.sessions.files import SessionFile
from bot.sessions.statistics import SessionStatistics, Warmth


class Session:
    """A session that this process knows.

    Whoever runs a turn in it or closes it holds it, so that neither happens under the other.
    """

    def __init__(self, file: SessionFile, *, stored: bool) -> None:
        self.file = file
        #: Whether there may be anything of it on disk.
        self.stored = stored
        self.conversation: Conversation | None = None
        self.last_path: Warmth | None = None
        self._lock = asyncio.Lock()
        #: How many hold it or wait to: a lock alone looks free when it is about to be passed on.
        self._claims = 0
        #: What the child has counted so far, for the session's whole life.
        self._counted_usd = 0.0
        #: What was shown last, and of which state, while it is at rest.
        self._shown: tuple[SessionFile, Warmth | None, SessionStatistics] | None = None

    @property
    def hot(self) -> bool:
        """Whether its conversation is open and fit for a next prompt."""
        return self.conversation is not None and self.conversation.usable

    @property
    def idle(self) -> bool:
        """Whether nobody is at it, nor about to be: to hold it would not wait."""
        return self._claims == 0

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Have the session for oneself."""
        self._claims += 1
        try:
            async with self._lock:
                yield
        finally:
            self._claims -= 1

    def expired(self, ttl_s: float, at: datetime) -> bool:
        """Tell whether its last turn is longer ago than its TTL."""
        return at - self.file.last_used > timedelta(seconds=ttl_s)

    def begin(self, conversation: Conversation, *, counted_usd: float) -> None:
        """Take over a conversation that starts now, whose child has counted *counted_usd*."""
        self.conversation = conversation
        self._counted_usd = counted_usd

    async def close(self) -> None:
        """Close the conversation, if there is one."""
        if self.conversation is not None:
            await self.conversation.close()

    def turn_ended(self, now: datetime) -> SessionFile:
        """Count an answered turn and return the file to be written."""
        turns = (self.file.turns or 0) + 1
        self.file = replace(self.file, last_used=now, turns=turns)
        return self.file

    def spent(self, counted_usd: float) -> SessionFile:
        """Take over what the child has counted by now, and return the file to be written."""
        more = max(0.0, counted_usd - self._counted_usd)
        self._counted_usd = counted_usd
        self.file = replace(self.file, cost_usd=self.file.cost_usd + more)
        return self.file

    def statistics(self) -> SessionStatistics:
        """Return what an operator sees.

        Of thousands of sessions nearly all are at rest: theirs is kept until something changes.
        """
        at_rest = self.conversation is None and self.idle
        shown = self._shown
        if at_rest and shown is not None and shown[0] is self.file and shown[1] is self.last_path:
            return shown[2]
        statistics = self._look()
        self._shown = (self.file, self.last_path, statistics) if at_rest else None
        return statistics

    def _look(self) -> SessionStatistics:
        file = self.file
        return SessionStatistics(
            room=file.key.room,
            bot=file.key.bot,
            user=file.key.user,
            session_id=file.session_id,
            state=Warmth.HOT if self.hot else Warmth.WARM,
            last_path=self.last_path,
            turns=file.turns or 0,
            created_at=file.created_at,
            last_used=file.last_used,
            memory_bytes=self.conversation.memory_bytes if self.conversation else None,
            cost_usd=file.cost_usd,
            busy=not self.idle,
        )
