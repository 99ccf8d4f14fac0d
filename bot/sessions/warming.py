"""Conversations that are opened before a turn asks for them."""

import asyncio
from collections.abc import Callable, Coroutine
from operator import attrgetter
from typing import Final

import structlog

from bot.agent.conversation import Conversation
from bot.agent.line import Ticket, Urgency
from bot.config.bot import Bot
from bot.errors import BotError, NoPlace
from bot.records import SessionKey
from bot.sessions.opener import Opener
from bot.sessions.registry import Registry
from bot.sessions.session import Session

log = structlog.get_logger(__name__)

#: So many are opened early at once; for the messages beyond, their turns come first anyway.
_MOST_EARLY: Final = 64


class Warming:
    """Opens conversations for nobody yet. A failure costs nothing: the turn tries by itself."""

    def __init__(self, registry: Registry, opener: Opener, group: asyncio.TaskGroup) -> None:
        #: Conversations that were closed because they had grown too large.
        self.recycled = 0
        self._registry = registry
        self._opener = opener
        self._group = group
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def early(self, bot: Bot, key: SessionKey, session: Session | None) -> None:
        """Begin to open *session*, that of *key*, whose message has arrived; unless it is hot."""
        at_rest = session is None or (session.idle and not session.hot)
        if at_rest and len(self._tasks) < _MOST_EARLY:
            self._start(self._early(bot, key), f"open early {key.room}")

    def recent(self, serving: Callable[[str], Bot | None], most: int) -> None:
        """Begin to open the sessions that were used last, the last one first."""
        if most:
            self._start(self._recent(serving, most), "open ahead")

    def recycle(self, session: Session) -> None:
        """Exchange the child of *session* for a smaller one, as soon as no turn runs in it."""
        conversation = session.conversation
        if conversation is not None and session.served and not session.recycling:
            session.recycling = True  # also when nothing is started any more
            self._start(self._recycle(session, conversation), f"recycle {session.file.key.room}")

    def close(self) -> None:
        """Open nothing more."""
        self._closed = True
        for task in self._tasks:
            task.cancel()

    def _start(self, work: Coroutine[None, None, None], name: str) -> None:
        if self._closed:
            work.close()
            return
        task = self._group.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _early(self, bot: Bot, key: SessionKey) -> None:
        try:
            async with self._registry.hold(key) as session:
                session.used_at = self._registry.now()
                await self._open(session, bot, Ticket(Urgency.EARLY))
        except BotError as error:
            log.info("not_opened_early", bot=bot.id, room=key.room, why=str(error))

    async def _recent(self, serving: Callable[[str], Bot | None], most: int) -> None:
        newest = sorted(self._registry, key=attrgetter("file.last_used"), reverse=True)
        known = ((session, serving(session.file.key.bot)) for session in newest)
        due = [(session, bot) for session, bot in known if bot and self._is_due(session, bot)]
        for session, bot in due[:most]:
            try:
                await self._ahead(session, bot)
            except NoPlace:
                return
            except BotError as error:
                log.info("not_opened_ahead", bot=bot.id, room=session.file.key.room, why=str(error))

    def _is_due(self, session: Session, bot: Bot) -> bool:
        """Tell whether a session can be resumed, and nobody is about to."""
        alive = session.stored and not session.expired(bot.session.ttl_s, self._registry.now())
        return alive and session.idle and not session.hot

    async def _ahead(self, session: Session, bot: Bot) -> None:
        if self._is_due(session, bot):  # still
            async with self._registry.holding(session):
                await self._open(session, bot, Ticket(Urgency.AHEAD))

    async def _recycle(self, session: Session, old: Conversation) -> None:
        key = session.file.key
        try:
            async with self._registry.holding(session):
                if session.conversation is old:
                    log.info("child_recycled", bot=key.bot, room=key.room)
                    await session.close()
                    session.recycles += 1
                    self.recycled += 1
                    await self._open(session, old.bot, Ticket(Urgency.AGAIN))
        except BotError as error:
            log.info("not_opened_again", bot=key.bot, room=key.room, why=str(error))
        finally:
            session.recycling = False

    async def _open(self, session: Session, bot: Bot, ticket: Ticket) -> None:
        """Open a session that is held."""
        try:
            await self._opener.open(session, bot, asked_at=self._registry.now(), ticket=ticket)
        finally:
            if not session.hot:
                await session.close()
