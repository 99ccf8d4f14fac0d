"""One session in memory: its file, its conversation while it is open, and who may touch it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.agent.conversation import Conversation
from bot.agent.line import Ticket, Urgency
from bot.records.prompts import SessionPrompts
from bot.sessions.files import SessionFile
from bot.sessions.statistics import SessionStatistics, Warmth


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """How a conversation was opened: for its first prompt, which may come much later."""

    path: Warmth
    #: How many of the last answers the room has heard and the agent does not know.
    unheard: int = 0
    #: What was known of prompts when it was decided what to resume; None: nothing hung on it.
    prompts: SessionPrompts | None = None


_HOT = Opened(path=Warmth.HOT)


class Session:
    """A session that this process knows.

    Whoever runs a turn in it, opens or closes it holds it, so that none happens under another.
    """

    def __init__(self, file: SessionFile, *, stored: bool) -> None:
        self.file = file
        #: Whether there may be anything of it on disk.
        self.stored = stored
        self.conversation: Conversation | None = None
        #: How that was opened, until a first prompt; then hot.
        self.opened = _HOT
        #: The wish for a child while it is being opened.
        self.ticket: Ticket | None = None
        #: The lane in which a message for it may wait; None when that has nothing more to do.
        self.lane: str | None = None
        #: When it was used last, or opened for somebody who is about to.
        self.used_at = file.last_used
        #: Turns that its conversation has answered.
        self.served = 0
        #: Whether its child is going to be exchanged for a smaller one.
        self.recycling = False
        self.last_path: Warmth | None = None
        #: Children started, conversations closed to make room, and such that had grown too large.
        self.boots = self.evictions = self.recycles = 0
        #: Turns that found a spare.
        self.spare_hits = 0
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
    def at_rest(self) -> bool:
        """Whether whoever came now could ask it at once, whatever the journal knows of it."""
        return self.hot and self.idle and self.opened is _HOT

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

    def hurry(self, deadline: float) -> None:
        """Let it be opened before all that no turn waits for."""
        if self.ticket is not None and self.ticket.urgency is not Urgency.TURN:
            self.ticket.hurry(deadline)

    def expired(self, ttl_s: float, at: datetime) -> bool:
        """Tell whether its last turn is longer ago than its TTL."""
        return at - self.file.last_used > timedelta(seconds=ttl_s)

    def begin(
        self, conversation: Conversation, counted: Callable[[float], None], *, counted_usd: float
    ) -> None:
        """Take over a conversation, whose child has counted *counted_usd* and goes on counting."""
        self.conversation = conversation
        conversation.on_cost = counted
        self.served = 0
        self.boots += 1
        self._counted_usd = counted_usd

    def prompted(self) -> None:
        """Take note that a prompt leaves: from now on its conversation is a hot one."""
        self.opened = _HOT

    async def hush(self) -> None:
        """Have the conversation drop a prompt that nobody waits for any more, and go on."""
        if self.conversation is not None:
            await self.conversation.hush()

    async def close(self) -> None:
        """Close the conversation, if there is one."""
        if self.conversation is not None:
            await self.conversation.close()

    def conversation_ended(self, conversation: Conversation) -> None:
        """Forget the conversation: its child is gone."""
        if self.conversation is conversation:
            self.conversation = None

    def lane_ended(self, lane: str) -> None:
        """Take note that nothing waits in *lane* any more."""
        if self.lane == lane:
            self.lane = None

    def turn_ended(self, now: datetime) -> SessionFile:
        """Count an answered turn and return the file to be written."""
        turns = (self.file.turns or 0) + 1
        self.file = replace(self.file, last_used=now, turns=turns)
        self.used_at = now
        self.served += 1
        return self.file

    def spent(self, counted_usd: float) -> SessionFile:
        """Take over what the child has counted by now, and return the file to be written."""
        more = max(0.0, counted_usd - self._counted_usd)
        self._counted_usd = counted_usd
        self.file = replace(self.file, cost_usd=self.file.cost_usd + more)
        return self.file

    def statistics(
        self, bytes_of: Callable[[Conversation | None], int | None]
    ) -> SessionStatistics:
        """Return what an operator sees.

        Of thousands of sessions nearly all are at rest: theirs is kept until something changes.
        """
        at_rest = self.conversation is None and self.idle
        shown = self._shown
        if at_rest and shown is not None and shown[0] is self.file and shown[1] is self.last_path:
            return shown[2]
        statistics = self._look(bytes_of(self.conversation))
        self._shown = (self.file, self.last_path, statistics) if at_rest else None
        return statistics

    def _state(self) -> Warmth:
        """Tell what the next message would find; nothing is resumed that has answered nothing."""
        if self.hot:
            return Warmth.HOT
        return Warmth.WARM if self.stored and self.file.turns != 0 else Warmth.COLD

    def _look(self, memory_bytes: int | None) -> SessionStatistics:
        file = self.file
        return SessionStatistics(
            room=file.key.room,
            bot=file.key.bot,
            user=file.key.user,
            session_id=file.session_id,
            state=self._state(),
            last_path=self.last_path,
            turns=file.turns or 0,
            created_at=file.created_at,
            last_used=file.last_used,
            memory_bytes=memory_bytes,
            cost_usd=file.cost_usd,
            busy=not self.idle,
            boots=self.boots,
            evictions=self.evictions,
            recycles=self.recycles,
            spare_hits=self.spare_hits,
        )
