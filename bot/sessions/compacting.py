"""Long conversations are summed up, between two turns and while nobody waits.

A summary takes as long as a turn. So it is begun when a room has been quiet for a while, and
dropped as soon as somebody asks: its child is killed, and what it had not finished is not there.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

import structlog

from bot.agent.compaction import COMPACT, Compaction
from bot.agent.conversation import Conversation
from bot.agent.line import Ticket, Urgency
from bot.agent.reply import Reply
from bot.config.bot import Bot
from bot.errors import BotError
from bot.sessions.conversations import Conversations
from bot.sessions.opener import Opener
from bot.sessions.registry import Registry
from bot.sessions.session import Session

log = structlog.get_logger(__name__)

#: Who asks again soon finds the conversation open, and the model's cache is warm for longer.
QUIET_S: Final = 20.0
#: The child says nothing while the model writes the summary.
_LONGEST_S: Final = 300.0
#: What has to be gained: a summary that is nearly as long as the limit is not made each time.
_GROWTH: Final = 1.5
#: After a try that came to nothing.
_GROWTH_AGAIN: Final = 1.1


@dataclass(frozen=True, kw_only=True, slots=True)
class _Due:
    """A session that is longer than its bot wants."""

    bot: Bot
    lane: str | None
    tokens: int


class _Summing:
    """Who has the child that writes a summary."""

    def conversation_ended(self, _conversation: Conversation) -> None:
        """Take note of nothing: whoever asked it is told."""

    def lane_ended(self, _lane: str) -> None:
        """Take note of nothing."""


class Compacting:
    """Sums sessions up."""

    def __init__(
        self,
        registry: Registry,
        conversations: Conversations,
        opener: Opener,
        group: asyncio.TaskGroup,
        *,
        quiet_s: float | None = None,
    ) -> None:
        #: Sessions that were summed up.
        self.done = 0
        self._registry = registry
        self._conversations = conversations
        self._opener = opener
        self._group = group
        self._quiet_s = QUIET_S if quiet_s is None else quiet_s
        self._due: dict[Session, _Due] = {}
        #: What can still be dropped, by session.
        self._tasks: dict[Session, asyncio.Task[None]] = {}
        #: Below so many tokens nothing is to be gained.
        self._enough: dict[Session, float] = {}
        self._closed = False

    def note(self, session: Session, bot: Bot, reply: Reply) -> None:
        """Take note of how long the conversation has become with *reply*."""
        self._due.pop(session, None)
        limit = max(bot.session.max_context_tokens, self._enough.get(session, 0.0))
        if reply.context_tokens > limit:
            self._due[session] = _Due(bot=bot, lane=session.lane, tokens=reply.context_tokens)

    def lane_ended(self, lane: str) -> None:
        """Begin with what is due, now that nothing waits in *lane*."""
        for session, due in tuple(self._due.items()):
            if due.lane == lane and not self._closed:
                del self._due[session]
                name = f"compact {session.file.key.room}"
                self._tasks[session] = self._group.create_task(self._run(session, due), name=name)

    def give_way(self, session: Session | None) -> None:
        """Drop what is under way in *session*, if there is one: somebody wants it."""
        task = self._tasks.pop(session, None) if session is not None else None
        if task is not None:
            task.cancel()

    def give_a_place(self) -> None:
        """Drop one summary that is being written: somebody waits for the place of its child."""
        self.give_way(next((session for session in self._tasks if not session.idle), None))

    def forget(self, session: Session) -> None:
        """Take note that a session is gone."""
        self.give_way(session)
        self._due.pop(session, None)
        self._enough.pop(session, None)

    def close(self) -> None:
        """Begin nothing more, and drop what is under way."""
        self._closed = True
        for session in tuple(self._tasks):
            self.give_way(session)

    async def _run(self, session: Session, due: _Due) -> None:
        key = session.file.key
        try:
            await asyncio.sleep(self._quiet_s)
            async with self._registry.holding(session):
                await self._compact(session, due)
                self._tasks.pop(session, None)  # what comes now is of use to whoever asks
                ticket = Ticket(Urgency.AGAIN)
                now = self._registry.now()
                await self._opener.open(session, due.bot, asked_at=now, ticket=ticket)
        except BotError as error:
            log.info("session_not_compacted", bot=key.bot, room=key.room, why=str(error))
        finally:
            if self._tasks.get(session) is asyncio.current_task():
                del self._tasks[session]

    async def _compact(self, session: Session, due: _Due) -> None:
        """Have the session summed up, by a child of its own. Raises AgentError."""
        key, begun = session.file.key, self._registry.now()
        self._enough[session] = due.tokens * _GROWTH_AGAIN
        await session.close()
        reply = await self._summed_up(session, due.bot)
        if reply.compacted_to is None:
            log.warning("session_not_compacted", bot=key.bot, room=key.room, why=reply.text)
            return
        self.done += 1
        self._enough[session] = reply.compacted_to * _GROWTH
        log.info(
            "session_compacted",
            bot=key.bot,
            room=key.room,
            tokens_before=due.tokens,
            tokens_after=reply.compacted_to,
            seconds=_seconds(begun, self._registry.now()),
        )

    async def _summed_up(self, session: Session, bot: Bot) -> Reply:
        """Start the child, and send it what nobody else may send. Raises AgentError."""
        start = Compaction(session_id=session.file.session_id)
        ticket = Ticket(Urgency.AGAIN)
        child = await self._conversations.start(bot, start, ticket, _Summing())
        child.on_cost = self._opener.counting(session)
        reply = None
        try:
            await child.opened()
            reply = await child.ask(
                COMPACT, prompt_uuid=str(uuid4()), timeout_s=_LONGEST_S, silence_s=_LONGEST_S
            )
        finally:
            if reply is None:  # one that is interrupted would write down that it was
                child.closing = True
                child.abort()
            await child.close()
        return reply


def _seconds(begun: datetime, ended: datetime) -> float:
    return round((ended - begun).total_seconds(), 2)
