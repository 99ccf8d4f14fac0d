"""Getting the agent's answer to a message, exactly once as far as the agent can see."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol
from uuid import uuid4

import structlog

from bot.agent.agent import Agent
from bot.agent.blocks import with_files
from bot.agent.made_files import MadeFiles
from bot.agent.reply import Reply
from bot.config.bot import Bot
from bot.errors import AgentError, AgentStartFailed, ConversationDied
from bot.journal.journal import Journal
from bot.records import Attempt, AttemptState, Entry, Message, SessionKey
from bot.records.file import File
from bot.records.prompts import Beginning
from bot.rooms.commands import Command
from bot.rooms.company import gather
from bot.rooms.context import Deaf, Talk
from bot.rooms.earlier import Earlier
from bot.rooms.early import EarlyReply
from bot.rooms.meanwhile import Ask, Meanwhile
from bot.rooms.prompt import compose_prompt
from bot.rooms.recap import find_recap
from bot.rooms.renewals import Renewals
from bot.rooms.telling import Telling, Told
from bot.sessions.seat import Seat
from bot.sessions.sessions import Sessions
from bot.sessions.statistics import Warmth

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the agent answered, and how it came about."""

    markdown: str
    attempt: Attempt
    #: None when an earlier attempt's answer was found in the transcript.
    path: Warmth | None
    #: The figures of the answer; None likewise.
    reply: Reply | None


class Listening(Protocol):
    """Ears for the rooms."""

    def listening(
        self, entry: Entry, bot: Bot, key: SessionKey
    ) -> AbstractAsyncContextManager[Talk]:
        """Listen to what was said before *entry*, for the session of *key*."""
        ...


_DEAF = Deaf()


class Answering:
    """Asks the agent. A child that ends costs one retry; a second end is the caller's."""

    def __init__(
        self,
        journal: Journal,
        sessions: Sessions,
        agent: Agent,
        contexts: Listening = _DEAF,
    ) -> None:
        #: Which sessions begin anew, and when.
        self.renewals = Renewals(journal, sessions)
        self._telling = Telling(journal, sessions, self.renewals)
        self._journal = journal
        self._sessions = sessions
        self._agent = agent
        self._contexts = contexts
        self._earlier = Earlier(journal, agent)
        #: What comes while the agent is asked.
        self.meanwhile = Meanwhile(journal)

    def foresee(self, message: Message, bot: Bot) -> Beginning | None:
        """Return how *message* would be asked, if its session could be asked at once."""
        session_id = self._sessions.at_rest(session_key(bot, message))
        if session_id is None:
            return None
        return Beginning(key=message.key, session_id=session_id, prompt_uuid=str(uuid4()))

    async def gather(self, entry: Entry, bot: Bot) -> Entry:
        """Return *entry* with what shall be answered in its turn, if that is still to be asked."""
        if _added(entry) is not None or await self._find(entry) is not None:
            return entry
        return await gather(self._journal, entry, bot)

    async def answer(
        self,
        entry: Entry,
        bot: Bot,
        *,
        alone: bool = False,
        files: Sequence[File] = (),
        early: EarlyReply | None = None,
    ) -> Answer | None:
        """Return the answer to *entry*; None when another message goes first now.

        *alone* says that nothing else runs meanwhile. *files* came with the message. *early*
        follows the answer. Raises AgentError when there is none to be had.
        """
        await self.renewals.before_turn(session_key(bot, entry.message))
        early = early or EarlyReply(self._journal)
        ask = partial(self._ask, alone=alone, files=files, early=early)
        try:
            return await self._find(entry) or await ask(entry, bot)
        except (ConversationDied, AgentStartFailed) as error:
            log.warning("turn_retried", bot=bot.id, entry=entry.seq, why=str(error))
        # The child may have ended between its answer and our reading of it.
        current = await self._journal.entry(entry.seq) or entry
        return await self._find(current) or await ask(entry, bot)

    async def made(self, answer: Answer, bot: Bot) -> MadeFiles:
        """Return the files that came about with *answer*, if the bot may post any."""
        if not bot.reply.attachments:
            return MadeFiles()
        since = await self._journal.outgoing.begun_at(answer.attempt)
        return await self._agent.made(bot.id, answer.attempt.session_id, since=since)

    async def tell(self, entry: Entry, command: Command, bot: Bot) -> Told:
        """Return the answer to a command, for which nobody is asked."""
        return await self._telling.answer(entry, command, bot, session_key(bot, entry.message))

    async def _find(self, entry: Entry) -> Answer | None:
        """Look for an answer that an earlier attempt got before server or child went away."""
        found = await self._earlier.answer(entry)
        if found is None:
            return None
        # What came along with its prompt has been heard.
        heard = replace(found.attempt, heard=entry.message.position)
        return Answer(markdown=found.markdown, attempt=heard, path=None, reply=None)

    async def _ask(
        self, entry: Entry, bot: Bot, *, alone: bool, files: Sequence[File], early: EarlyReply
    ) -> Answer | None:
        if (added := _added(entry)) is not None:
            return await self._hear(entry, bot, added, early)
        key = session_key(bot, entry.message)
        async with (
            self._contexts.listening(entry, bot, key) as talk,
            self._seat(entry, bot, key) as seat,
        ):
            attempt = await self._attempt(entry, seat, alone=alone)
            if attempt is None:
                return None
            recap = await find_recap(self._journal.dialogues, entry, bot, key, seat)
            context = await talk.unheard_by(seat.session_id, lost=bool(recap))
            attempt = replace(attempt, heard=context.upto)
            said = compose_prompt(entry.messages, recap, context.remarks, files=bool(files))
            asked = seat.ask(
                with_files(said, files),
                prompt_uuid=attempt.prompt_uuid,
                timeout_s=bot.turn.timeout_s,
                silence_s=bot.turn.silence_s,
                listener=early,
            )
            heeded = early.heed(entry, attempt, asked)
            answer = await self._answer(entry, bot, attempt, seat, heeded)
            if answer is not None:
                talk.told(seat.session_id, context)
            return answer

    async def _attempt(self, entry: Entry, seat: Seat, *, alone: bool) -> Attempt | None:
        """Begin an attempt, unless that has begun with the message; None: another goes first."""
        begun = entry.begun
        if begun is not None and begun.session_id == seat.session_id and not entry.companions:
            return begun
        return await self._journal.start_attempt(
            entry, session_id=seat.session_id, prompt_uuid=str(uuid4()), alone=alone
        )

    async def _hear(
        self, entry: Entry, bot: Bot, added: Attempt, early: EarlyReply
    ) -> Answer | None:
        """Wait for the answer to what the agent has already; None when it has it no more."""
        async with self._seat(entry, bot, session_key(bot, entry.message)) as seat:
            if await self._journal.orders.outcome(entry.seq) is not None:
                return None  # stopped before anybody could end this turn
            heard = seat.hear(
                added.prompt_uuid,
                timeout_s=bot.turn.timeout_s,
                silence_s=bot.turn.silence_s,
                listener=early,
            )
            return await self._answer(entry, bot, added, seat, heard)

    async def _answer(
        self,
        entry: Entry,
        bot: Bot,
        attempt: Attempt,
        seat: Seat,
        asked: Coroutine[None, None, Reply | None],
    ) -> Answer | None:
        """Wait for the reply; None when it was given up for another message."""
        ask = Ask(entry=entry, attempt=attempt, bot=bot, seat=seat)
        try:
            reply = await self.meanwhile.attend(ask, asked)
        except AgentError as error:
            await self._failed(attempt, str(error))
            raise
        except asyncio.CancelledError:
            if entry.companions or ask.added:
                # What others asked with it is asked again, and the agent shall hear it once.
                await seat.close()
            raise
        if reply is None:
            await self._failed(attempt, "the asker said something else" if ask.ended else "lost")
            if ask.ended:
                await seat.close()
            return None
        if reply.kept_as is not None:
            kept = await self._journal.companions.absorb(
                entry, reply.prompts, kept_as=reply.kept_as
            )
            attempt = replace(kept, heard=attempt.heard)
        return Answer(markdown=reply.text, attempt=attempt, path=seat.path, reply=reply)

    async def _failed(self, attempt: Attempt, why: str) -> None:
        await self._journal.end_attempt(attempt, state=AttemptState.FAILED, error=why)

    def _seat(self, entry: Entry, bot: Bot, key: SessionKey) -> AbstractAsyncContextManager[Seat]:
        """Return a place in the session of *key*, or beside it when nothing may stay."""
        if entry.message.off_record:
            return self._sessions.aside(bot, key)
        return self._sessions.seat(bot, key, asked_at=entry.accepted_at, lane=entry.lane)


def _added(entry: Entry) -> Attempt | None:
    """Return the attempt by which the agent has the message already: it was added to a turn."""
    last = entry.attempts[-1] if entry.attempts else None
    added = last is not None and last.behind is not None and last.state is AttemptState.RUNNING
    return last if added else None


def session_key(bot: Bot, message: Message) -> SessionKey:
    """Name the session that remembers *message*: the room's, or its author's in the room."""
    user = message.author.id if bot.session.scope == "user" else None
    return SessionKey(room=message.room, bot=bot.id, user=user)
