"""All open conversations, of sessions and spares alike: started, watched, and seen to their end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import structlog

from bot.agent.agent import Agent
from bot.agent.conversation import Conversation
from bot.agent.line import Ticket, Urgency
from bot.agent.memory import MemorySamples
from bot.agent.start import Start
from bot.config.bot import Bot
from bot.sessions.budget import Allowance
from bot.sessions.slots import Slots

log = structlog.get_logger(__name__)

#: A child that was busy without a sign of life for so long is ended, whatever it does.
_STUCK_S: Final = 300.0
#: How much longer than its bot's own limit that is at least: it comes after all milder means.
_AFTER_SILENCE_S: Final = 60.0
#: How long a stop waits for the slowest; one that is interrupted in a turn is gone in 50 ms.
_CLOSE_S: Final = 5.0


class Holder(Protocol):
    """Whose a conversation is."""

    def conversation_ended(self, conversation: Conversation) -> None:
        """Forget it: its child is gone."""
        ...

    def lane_ended(self, lane: str) -> None:
        """Take note that nothing waits in *lane* any more."""
        ...


class Conversations:
    """Every child there is, from before its boot until it is gone."""

    def __init__(
        self,
        agent: Agent,
        group: asyncio.TaskGroup,
        allowance: Allowance,
        samples: MemorySamples,
        *,
        make_room: Callable[[], Awaitable[bool]],
        lacking: Callable[[], int],
    ) -> None:
        self.allowance = allowance
        self.slots = Slots(self._admits, make_room)
        #: How many were started, ended on their own, and were ended because they were silent.
        self.started = self.died = self.silenced = 0
        self._agent = agent
        self._group = group
        self._samples = samples
        #: How many spares there should be and are not.
        self._lacking = lacking
        self._holders: dict[Conversation, Holder] = {}

    @property
    def pids(self) -> list[int | None]:
        """The children's processes; None is one that boots."""
        return [conversation.pid for conversation in self._holders]

    @property
    def boots_waiting(self) -> int:
        """How many children wait until they may boot."""
        return self._agent.boots_waiting

    def stir(self) -> None:
        """Take note that a turn needs the processors now."""
        self._agent.stir()

    def bytes_of(self, conversation: Conversation | None) -> int | None:
        """Return what a child took at the last look; None before that, or without a child."""
        pid = conversation.pid if conversation is not None else None
        return self._samples.bytes_of(pid) if pid is not None else None

    async def start(self, bot: Bot, start: Start, ticket: Ticket, holder: Holder) -> Conversation:
        """Start a child once there is a place for it; it boots when this returns.

        Raises NoPlace, or AgentMissing.
        """
        await self.slots.take(ticket)
        conversation = self._agent.conversation(bot, start, ticket)
        self._holders[conversation] = holder
        self.started += 1
        self._group.create_task(
            self._own(conversation), name=f"conversation-{conversation.session_id}"
        )
        return conversation

    def pass_on(self, conversation: Conversation, holder: Holder) -> None:
        """Give a conversation to another."""
        self._holders[conversation] = holder

    def lane_ended(self, lane: str) -> None:
        """Take note that nothing waits in *lane* any more: who waits for a place may get one."""
        for holder in self._holders.values():
            holder.lane_ended(lane)
        self.slots.look_again()

    async def look(self) -> None:
        """Read what the children take."""
        await self._samples.look([pid for pid in self.pids if pid is not None])

    def end_stuck(self) -> None:
        """End the children that are busy with nothing that anybody can hear."""
        for conversation in tuple(self._holders):
            most_s = max(_STUCK_S, conversation.bot.turn.silence_s + _AFTER_SILENCE_S)
            if conversation.stuck_s > most_s:
                log.error("child_stuck", bot=conversation.bot.id, session=conversation.session_id)
                conversation.silenced = True
                conversation.abort()

    async def close(self) -> None:
        """Close all conversations, at the same time; a child that resists is killed."""
        async with asyncio.TaskGroup() as group:
            for conversation in self._holders:
                group.create_task(_close(conversation), name="close-conversation")

    def _admits(self, ticket: Ticket) -> bool:
        """Tell whether there is memory for one more.

        What nobody waits for leaves room for somebody who may come; and what is opened ahead, for
        the spares as well.
        """
        match ticket.urgency:
            case Urgency.TURN | Urgency.EARLY:
                return self.allowance.admits(self.pids)
            case Urgency.AGAIN:
                kept = 0
            case Urgency.AHEAD:
                kept = 1 + self._lacking()
            case Urgency.SPARE:
                kept = 1
        return self.allowance.admits([*self.pids, *[None] * kept]) and not self.allowance.strained()

    async def _own(self, conversation: Conversation) -> None:
        """Run a conversation to its end, and then have it forgotten."""
        try:
            await conversation.run()
        finally:
            self._holders.pop(conversation).conversation_ended(conversation)
            self.slots.look_again()
            self.silenced += conversation.silenced
        if conversation.died:
            self.died += 1
            log.warning("child_ended", bot=conversation.bot.id, session=conversation.session_id)


async def _close(conversation: Conversation) -> None:
    try:
        async with asyncio.timeout(_CLOSE_S):
            await conversation.close()
    except TimeoutError:
        log.warning("child_killed", bot=conversation.bot.id, session=conversation.session_id)
        conversation.abort()
        await conversation.ended.wait()
