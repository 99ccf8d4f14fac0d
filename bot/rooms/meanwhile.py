"""What a message does to the turn of the person who wrote it: it adds to it, or ends it.

An addition has an attempt of its own, known before it is sent. If the child makes it a part of the
running answer, its message is settled with that. If not, it is next in its lane, before what waits
there, and the turn that it gets then only has to listen.

An interrupted turn leaves its message open, with an attempt that failed; the next turn of the lane
asks it together with what interrupted it. Its conversation closes, so that the agent can take up
the session without the question that nobody waits for any more.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import uuid4

import structlog

from bot.agent.reply import Reply
from bot.config.bot import Bot
from bot.errors import AgentError, JournalError
from bot.journal.journal import Journal
from bot.records import Attempt, AttemptState, Entry
from bot.rooms.company import askable, whose
from bot.rooms.prompt import compose_prompt

log = structlog.get_logger(__name__)

#: Additions to one turn; the next ones wait.
_MOST: Final = 10


class Seat(Protocol):
    """The place in a session in which a turn runs."""

    async def add(self, text: str, *, prompt_uuid: str) -> bool:
        """Send an addition; False when it comes too late."""
        ...


@dataclass(kw_only=True, slots=True, eq=False)
class Ask:
    """A prompt that the agent is about to be given, and whose."""

    entry: Entry
    attempt: Attempt
    bot: Bot
    seat: Seat
    #: Set when there is something to look at.
    news: asyncio.Event = field(default_factory=asyncio.Event)
    over: bool = False
    #: Whether another message of its asker has ended it.
    ended: bool = False
    added: int = 0

    def close(self) -> None:
        """Look no more."""
        self.over = True
        self.news.set()


class Meanwhile:
    """Watches what comes while the agent is asked. Who is not asked for is not watched."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._asks: dict[str, Ask] = {}

    def look(self, lane: str) -> None:
        """Have a look at what has come for *lane*."""
        if (ask := self._asks.get(lane)) is not None:
            ask.news.set()

    async def attend(self, ask: Ask, asked: Coroutine[None, None, Reply | None]) -> Reply | None:
        """Return what *asked* returns; None also when it was interrupted.

        Raises AgentError.
        """
        watched = ask.bot.turn.when_busy in ("steer", "interrupt")
        if not watched or not askable(ask.entry):
            return await asked
        self._asks[ask.entry.lane] = ask
        try:
            async with asyncio.TaskGroup() as group:
                asking = group.create_task(_outcome(asked), name=f"ask {ask.entry.seq}")
                asking.add_done_callback(lambda _: ask.close())
                group.create_task(self._watch(ask, asking), name=f"watch {ask.entry.seq}")
        finally:
            del self._asks[ask.entry.lane]
        outcome = None if asking.cancelled() else asking.result()
        if isinstance(outcome, AgentError):
            raise outcome
        return outcome

    async def _watch(self, ask: Ask, asking: asyncio.Task[Reply | AgentError | None]) -> None:
        while not ask.over:
            ask.news.clear()
            try:
                await self._look(ask, asking)
            except JournalError as error:
                log.error("journal_unavailable", lane=ask.entry.lane, why=str(error))  # noqa: TRY400 - the disk's
            await ask.news.wait()

    async def _look(self, ask: Ask, asking: asyncio.Task[Reply | AgentError | None]) -> None:
        author = whose(ask.bot, ask.entry)
        found = await self._journal.companions.candidates(ask.entry, author=author, limit=_MOST)
        for entry in filter(askable, found):
            if ask.over:
                return
            if ask.bot.turn.when_busy == "interrupt":
                log.info("turn_interrupted", entry=ask.entry.seq, by=entry.seq)
                ask.ended = True
                asking.cancel()
                return
            if ask.added == _MOST or not await self._add(ask, entry):
                return
            ask.added += 1

    async def _add(self, ask: Ask, entry: Entry) -> bool:
        """Give the child one more message; False when that is too late."""
        attempt = await self._journal.companions.add(
            entry, to=ask.attempt, prompt_uuid=str(uuid4())
        )
        if attempt is None:
            return False
        why = "it came too late for the turn that ran"
        try:
            prompt = compose_prompt(entry.messages)
            if await ask.seat.add(prompt, prompt_uuid=attempt.prompt_uuid):
                log.debug("turn_steered", entry=ask.entry.seq, by=entry.seq)
                return True
        except AgentError as error:
            why = str(error)
        await self._journal.end_attempt(attempt, state=AttemptState.FAILED, error=why)
        return False


async def _outcome(asked: Coroutine[None, None, Reply | None]) -> Reply | AgentError | None:
    """Return the error that a task group would wrap."""
    try:
        return await asked
    except AgentError as error:
        return error
