"""Which conversation serves a room: the open one, one resumed from its file, or a new one."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

import structlog

from bot.agent.agent import Agent
from bot.agent.conversation import Conversation
from bot.agent.start import Fresh
from bot.config.bot import Bot
from bot.errors import AgentStartFailed, SessionLost
from bot.records import SessionKey, SessionPrompts
from bot.sessions.files import SessionFile, SessionFiles
from bot.sessions.opening import Opening, choose_opening, new_session_id
from bot.sessions.saving import Saving
from bot.sessions.seat import Prompts, Seat
from bot.sessions.session import Session
from bot.sessions.slots import Slots
from bot.sessions.statistics import SessionsStatistics, Warmth

log = structlog.get_logger(__name__)

#: How many sessions an expiry sweep looks at before it lets others run.
_SLICE = 200


class Sessions:
    """All sessions of this process."""

    def __init__(
        self,
        agent: Agent,
        files: SessionFiles,
        prompts: Prompts,
        group: asyncio.TaskGroup,
        *,
        hot_limit: int,
        now: Callable[[], datetime],
    ) -> None:
        self._agent = agent
        self._prompts = prompts
        self._saving = Saving(files)
        self._group = group
        self._now = now
        self._sessions: dict[SessionKey, Session] = {}
        self._slots = Slots(hot_limit, self._evict)
        self._hits: Counter[Warmth] = Counter()
        self._lost = self._evicted = self._died = 0
        group.create_task(self._saving.run(), name="session-files")

    def know(self, found: Iterable[SessionFile]) -> None:
        """Take over the session files found at the start."""
        self._sessions.update((file.key, Session(file, stored=True)) for file in found)

    @asynccontextmanager
    async def seat(self, bot: Bot, key: SessionKey, *, asked_at: datetime) -> AsyncIterator[Seat]:
        """Open the session of *key* for one turn, by the shortest way there is.

        *asked_at* is when the message was accepted: a session that was alive then is not expired
        now. Raises AgentStartFailed or AgentMissing.
        """
        async with self._known(key) as session:
            try:
                seat = await self._open(session, bot, asked_at)
                try:
                    yield seat
                finally:
                    if seat.reply is not None:
                        self._saving.soon(session.turn_ended(self._now()))
            finally:
                if not session.hot:
                    # Dead, still booting for nobody, or in the middle of what nobody waits for.
                    await session.close()

    async def expire(
        self, ttl_s: Callable[[str], float], in_use: frozenset[tuple[str, str]]
    ) -> int:
        """Remove what was not used for its TTL: conversation, file and transcript together.

        *ttl_s* gives a bot's TTL; *in_use* are (room, bot) with open messages. Returns how many.
        """
        # One moment for all: a message that is accepted during the sweep is not in *in_use*, but
        # then it is later than this, and finds expired what is removed under it.
        at, removed = self._now(), 0
        for index, session in enumerate(tuple(self._sessions.values())):
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
            async with asyncio.TaskGroup() as group:
                for session in self._sessions.values():
                    group.create_task(session.close(), name="close-conversation")
        finally:
            self._saving.close()

    def statistics(self) -> SessionsStatistics:
        """Return what an operator sees."""
        shown = tuple(session.statistics() for session in self._sessions.values())
        return SessionsStatistics(
            sessions=shown,
            hot=sum(session.state is Warmth.HOT for session in shown),
            hot_limit=self._slots.limit,
            hits=dict(self._hits),
            lost=self._lost,
            evicted=self._evicted,
            died=self._died,
        )

    @asynccontextmanager
    async def _known(self, key: SessionKey) -> AsyncIterator[Session]:
        """Hold the session of *key*; one that was removed meanwhile is made anew."""
        while True:
            session = self._sessions.get(key) or Session(self._new_file(key), stored=False)
            self._sessions[key] = session
            async with self._held(session):
                if self._sessions.get(key) is session:
                    yield session
                    return

    @asynccontextmanager
    async def _held(self, session: Session) -> AsyncIterator[None]:
        try:
            async with session.held():
                yield
        finally:
            self._slots.look_again()

    async def _open(self, session: Session, bot: Bot, asked_at: datetime) -> Seat:
        """Seat a turn on the open conversation, if it is still the right one, or on another."""
        expired = session.expired(bot.session.ttl_s, asked_at)
        conversation = session.conversation if session.hot and not expired else None
        if conversation is not None and _same_options(conversation.bot, bot):
            return self._seated(session, conversation, Warmth.HOT)
        await session.close()
        try:
            if expired:
                await self._forget(session)
            return await self._take_up(session, bot)
        except OSError as error:
            raise AgentStartFailed(f"the session cannot be kept on disk: {error}") from error

    async def _take_up(self, session: Session, bot: Bot) -> Seat:
        """Resume the session, or start a new one where that is impossible."""
        file = session.file
        opening = await self._opening(session)
        if opening.lost:
            self._note_lost(session, "it has no transcript")
        if opening.clear:
            await self._agent.forget(bot.id, file.session_id)
        if opening.path is Warmth.COLD:
            await self._renew(session, opening.start.session_id)
        try:
            conversation = await self._start(session, bot, opening)
        except SessionLost as error:
            return await self._start_over(session, bot, error)
        return self._seated(session, conversation, opening.path, opening.unheard)

    async def _opening(self, session: Session) -> Opening:
        file = session.file
        if not session.stored:
            return choose_opening(file, None, SessionPrompts())
        transcript = await self._agent.transcript(file.key.bot, file.session_id)
        prompts = await self._prompts.prompts(file.session_id)
        return choose_opening(file, transcript, prompts)

    def _seated(
        self, session: Session, conversation: Conversation, path: Warmth, unheard: int = 0
    ) -> Seat:
        self._hits[path] += 1
        session.last_path = path
        return Seat(session, conversation, path, unheard=unheard)

    async def _start_over(self, session: Session, bot: Bot, error: SessionLost) -> Seat:
        """Begin a new session in place of one that the child refuses."""
        lost = session.file.session_id
        self._note_lost(session, str(error))
        await self._renew(session, new_session_id())
        await self._agent.forget(bot.id, lost)
        opening = Opening(start=Fresh(session_id=session.file.session_id), path=Warmth.COLD)
        return self._seated(session, await self._start(session, bot, opening), opening.path)

    def _note_lost(self, session: Session, why: str) -> None:
        self._lost += 1
        key = session.file.key
        log.warning("session_lost", bot=key.bot, room=key.room, why=why)

    async def _start(self, session: Session, bot: Bot, opening: Opening) -> Conversation:
        """Boot a child, once there is a place for it."""
        spent = partial(self._spent, session)
        conversation = self._agent.conversation(bot, opening.start, on_cost=spent)
        await self._slots.take()
        session.begin(conversation, counted_usd=opening.counted_usd)
        self._group.create_task(
            self._own(session, conversation), name=f"conversation-{conversation.session_id}"
        )
        await conversation.opened()
        return conversation

    def _spent(self, session: Session, counted_usd: float) -> None:
        self._saving.soon(session.spent(counted_usd))

    async def _own(self, session: Session, conversation: Conversation) -> None:
        """Run a conversation to its end, and then have it forgotten."""
        try:
            await conversation.run()
        finally:
            if session.conversation is conversation:
                session.conversation = None
            self._slots.give_back()
        if conversation.died:
            self._died += 1
            log.warning("child_ended", bot=conversation.bot.id, session=conversation.session_id)

    async def _evict(self) -> bool:
        """Close the idle conversation that was used least recently, if there is one."""
        idle = [s for s in self._sessions.values() if s.conversation is not None and s.idle]
        if not idle:
            return False
        session = min(idle, key=lambda s: s.file.last_used)
        async with self._held(session):  # it is idle: this does not wait
            await session.close()
        self._evicted += 1
        return True

    async def _remove(self, session: Session) -> bool:
        """Remove a session with all it left on disk; one that resists stays for the next sweep."""
        key = session.file.key
        async with self._held(session):
            await session.close()
            try:
                await self._forget(session)
            except OSError as error:
                log.warning("session_unremovable", bot=key.bot, room=key.room, why=str(error))
                return False
            del self._sessions[key]
            return True

    async def _forget(self, session: Session) -> None:
        """Delete a session's file and transcript, and let it begin anew."""
        old = session.file
        await self._saving.remove(old.key)
        await self._agent.forget(old.key.bot, old.session_id)
        session.file, session.stored = self._new_file(old.key), False

    async def _renew(self, session: Session, session_id: str) -> None:
        """Give the session a new file, on disk before its child starts."""
        session.file, session.stored = self._new_file(session.file.key, session_id), True
        await self._saving.now(session.file)

    def _new_file(self, key: SessionKey, session_id: str | None = None) -> SessionFile:
        now = self._now()
        return SessionFile(
            key=key,
            session_id=session_id or new_session_id(),
            created_at=now,
            last_used=now,
            turns=0,
        )


def _same_options(old: Bot, new: Bot) -> bool:
    return old is new or old.digest == new.digest


@asynccontextmanager
async def open_sessions(
    agent: Agent,
    files: SessionFiles,
    prompts: Prompts,
    *,
    hot_limit: int,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AsyncIterator[Sessions]:
    """Open the sessions of a folder; closes every conversation in the end."""
    found, wrong = await asyncio.to_thread(files.scan)
    for name, why in wrong:
        log.warning("session_file_wrong", file=name, why=why)
    async with asyncio.TaskGroup() as group:
        sessions = Sessions(agent, files, prompts, group, hot_limit=hot_limit, now=now)
        sessions.know(found)
        try:
            yield sessions
        finally:
            await sessions.close()
