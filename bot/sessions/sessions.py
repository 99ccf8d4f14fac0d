"""Which conversation serves a room: the sessions as the rooms and the operator see them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Final

import structlog

from bot.agent.line import Ticket, Urgency
from bot.config.bot import Bot
from bot.records import SessionKey
from bot.sessions.background import Background
from bot.sessions.conversations import Conversations
from bot.sessions.eviction import Eviction
from bot.sessions.opener import Opener
from bot.sessions.registry import Registry
from bot.sessions.saving import Saving
from bot.sessions.seat import Seat
from bot.sessions.session import Session
from bot.sessions.spares import Spares
from bot.sessions.statistics import SessionsStatistics, SessionStatistics, Spent, Warmth

log = structlog.get_logger(__name__)

#: How many sessions an expiry sweep looks at before it lets others run.
_SLICE: Final = 200
_PATIENCE_S: Final = 60.0
#: When spares begin to boot at a start that found something owed, should no turn end before.
_SPARES_LATEST_S: Final = 5.0


class Sessions:
    """All sessions of this process."""

    def __init__(
        self,
        registry: Registry,
        conversations: Conversations,
        spares: Spares,
        eviction: Eviction,
        opener: Opener,
        background: Background,
        saving: Saving,
    ) -> None:
        #: How long a turn waits for a place before its room is told that there is none.
        self.patience_s = _PATIENCE_S
        self._registry = registry
        self._conversations = conversations
        self._spares = spares
        self._eviction = eviction
        self._opener = opener
        self._background = background
        self._warming = background.warming
        self._compacting = background.compacting
        self._saving = saving
        self.drop = background.quieting.drop
        self._recapped = 0
        self._hits: Counter[Warmth] = Counter()

    @asynccontextmanager
    async def seat(
        self, bot: Bot, key: SessionKey, *, asked_at: datetime, lane: str
    ) -> AsyncIterator[Seat]:
        """Open the session of *key* for one turn, by the shortest way there is.

        *asked_at* is when the message was accepted: a session that was alive then is not expired
        now. *lane* is where it waited, and where the next one may. Raises AgentStartFailed,
        AgentMissing or NoPlace.
        """
        self._conversations.stir()
        deadline = asyncio.get_running_loop().time() + self.patience_s
        if (known := self._registry.get(key)) is not None:
            known.hurry(deadline)
            self._compacting.give_way(known)
        ticket = Ticket(Urgency.TURN, deadline=deadline)
        async with self._registry.hold(key) as session:
            session.lane = lane
            try:
                await self._opener.open(session, bot, asked_at=asked_at, ticket=ticket)
                seat = self._seated(session)
                try:
                    yield seat
                finally:
                    self._leave(session, bot, seat)
            finally:
                await session.hush()
                if not session.hot:
                    # Dead, still booting for nobody, or in the middle of what nobody waits for.
                    await session.close()

    @asynccontextmanager
    async def aside(self, bot: Bot, key: SessionKey) -> AsyncIterator[Seat]:
        """Open a conversation for one turn of which nothing stays; it raises what `seat` does."""
        self._conversations.stir()
        deadline = asyncio.get_running_loop().time() + self.patience_s
        ticket = Ticket(Urgency.TURN, deadline=deadline)
        async with self._opener.aside(bot, key, ticket) as session:
            yield (seat := self._seated(session))
            self._hits[seat.path] += 1

    def expect(self, bot: Bot, key: SessionKey, *, lane: str) -> None:
        """Have the session of *key* opened early: a message for it has arrived in *lane*."""
        self._conversations.stir()
        if (known := self._registry.get(key)) is not None:
            known.lane = lane
        self._compacting.give_way(known)
        self._warming.early(bot, key, known)

    def at_rest(self, key: SessionKey) -> str | None:
        """Name the session of *key*, if it could be asked at once; else None."""
        session = self._registry.get(key)
        return session.file.session_id if session is not None and session.at_rest else None

    @asynccontextmanager
    async def ending(self, key: SessionKey) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Have the session of *key* for oneself, with what forgets it.

        That removes conversation, file and transcript; it raises OSError, and then can be tried
        again.
        """
        self._compacting.give_way(self._registry.get(key))
        async with self._registry.hold(key) as session:
            yield partial(self._forget, session)

    def lane_ended(self, lane: str) -> None:
        """Take note that no message waits in *lane* any more."""
        self._conversations.lane_ended(lane)
        self._compacting.lane_ended(lane)

    def bots_changed(self) -> None:
        """Take note that the bots are others now: their spares are too."""
        self._spares.refill()

    def open_ahead(self, serving: Callable[[str], Bot | None], most: int, *, busy: bool) -> None:
        """Begin to open for nobody yet: the sessions used last, so many at most, and spares.

        The latter after the first turn, when the server is *busy* with what is owed already.
        """
        self._warming.recent(serving, most)
        latest_s = _SPARES_LATEST_S if busy else 0.0
        asyncio.get_running_loop().call_later(latest_s, self._spares.begin)

    async def look_after(self) -> None:
        """Look at what the children take, and keep them within it. A job."""
        await self._conversations.look()
        await self._eviction.relieve(self._conversations)
        for session in self._registry:
            pid = session.conversation.pid if session.conversation is not None else None
            if pid is not None and self._conversations.allowance.outgrown(pid):
                self._warming.recycle(session)
        self._spares.refill()

    async def end_stuck(self) -> None:
        """End the children that cannot be heard any more. A job, which waits for nobody."""
        self._conversations.end_stuck()

    def stop_ahead(self) -> None:
        """Open nothing any more that no turn asks for: the server is being stopped."""
        self._background.close()
        self._spares.stop()

    async def expire(
        self, ttl_s: Callable[[str], float], in_use: frozenset[tuple[str, str]]
    ) -> int:
        """Remove what was not used for its TTL: conversation, file and transcript together.

        *ttl_s* gives a bot's TTL; *in_use* are (room, bot) with open messages. Returns how many.
        """
        # One moment for all: a message that is accepted during the sweep is not in *in_use*, but
        # then it is later than this, and finds expired what is removed under it.
        at, removed = self._registry.now(), 0
        for index, session in enumerate(self._registry):
            if index % _SLICE == 0:
                await asyncio.sleep(0)
            key = session.file.key
            unused = session.idle and (key.room, key.bot) not in in_use
            if unused and session.expired(ttl_s(key.bot), at):
                removed += await self._remove(session)
        return removed

    async def close(self) -> None:
        """Close all conversations, at the same time, and write what is not written yet."""
        try:
            self.stop_ahead()
            spares = self._spares.leave()
            await self._conversations.close()
            for spare in spares:
                await self._spares.forget(spare)
        finally:
            self._saving.close()

    def statistics(self) -> SessionsStatistics:
        """Return what an operator sees."""
        conversations, allowance = self._conversations, self._conversations.allowance
        shown = tuple(session.statistics(conversations.bytes_of) for session in self._registry)
        return SessionsStatistics(
            sessions=shown,
            hot=sum(session.state is Warmth.HOT for session in shown),
            hot_limit=allowance.places,
            hits=dict(self._hits),
            lost=self._opener.lost,
            evicted=self._eviction.evicted,
            died=conversations.died,
            spares=self._spares.ready,
            boots=conversations.started,
            boots_waiting=conversations.boots_waiting,
            recycled=self._warming.recycled,
            compactions=self._compacting.done,
            silenced=conversations.silenced,
            recapped=self._recapped,
            memory_bytes=allowance.total_bytes(conversations.pids),
            memory_budget_bytes=allowance.budget.most_bytes,
        )

    def session(self, bot: Bot, key: SessionKey) -> SessionStatistics | None:
        """Return what is known of one session; None when the next message begins it."""
        session = self._registry.get(key)
        if session is None or not session.stored:
            return None
        if not session.hot and session.expired(bot.session.ttl_s, self._registry.now()):
            return None
        return session.statistics(self._conversations.bytes_of)

    def spent(self, bot: str) -> Spent:
        """Sum up the sessions of a bot."""
        files = [session.file for session in self._registry if session.file.key.bot == bot]
        return Spent(
            sessions=len(files),
            turns=sum(file.turns or 0 for file in files),
            cost_usd=sum(file.cost_usd for file in files),
        )

    def _seated(self, session: Session) -> Seat:
        self._conversations.stir()
        assert session.conversation is not None, "opened, and not there"  # noqa: S101 - a bug of ours
        return Seat(session, session.conversation)

    def _leave(self, session: Session, bot: Bot, seat: Seat) -> None:
        """Take note of how a turn went."""
        self._conversations.stir()
        self._recapped += seat.recapped
        if seat.asked:
            self._hits[seat.path] += 1
            session.last_path = seat.path
            session.spare_hits += seat.path is Warmth.SPARE
        if seat.reply is not None:
            self._saving.soon(session.turn_ended(self._registry.now()))
            self._compacting.note(session, bot, seat.reply)
        self._spares.begin()
        if seat.path is not Warmth.HOT:
            self._spares.refill()

    async def _remove(self, session: Session) -> bool:
        """Remove a session with all it left on disk; one that resists stays for the next sweep."""
        key = session.file.key
        async with self._registry.holding(session):
            try:
                await self._forget(session)
            except OSError as error:
                log.warning("session_unremovable", bot=key.bot, room=key.room, why=str(error))
                return False
            return True

    async def _forget(self, session: Session) -> None:
        """Remove a session that is held. Raises OSError."""
        await session.close()
        await self._opener.forget(session)
        self._registry.drop(session)
        self._compacting.forget(session)
