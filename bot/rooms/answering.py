"""Getting the agent's answer to a message, exactly once as far as the agent can see."""

from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import structlog

from bot.agent.agent import Agent
from bot.agent.reply import Reply
from bot.config.bot import Bot
from bot.errors import AgentError, AgentStartFailed, ConversationDied
from bot.journal.journal import Journal
from bot.records import Attempt, AttemptState, Entry, Exchange, Message, SessionKey
from bot.rooms.company import gather
from bot.rooms.earlier import Earlier
from bot.rooms.meanwhile import Ask, Meanwhile
from bot.rooms.prompt import compose_prompt
from bot.sessions.seat import Seat
from bot.sessions.sessions import Sessions
from bot.sessions.statistics import Warmth

log = structlog.get_logger(__name__)

#: How many exchanges a new session is told of when the old one is lost.
_RECAP_TURNS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the agent answered, and how it came about."""

    markdown: str
    attempt: Attempt
    #: None when an earlier attempt's answer was found in the transcript.
    path: Warmth | None
    #: The figures of the answer; None likewise.
    reply: Reply | None


class Answering:
    """Asks the agent. A child that ends costs one retry; a second end is the caller's."""

    def __init__(self, journal: Journal, sessions: Sessions, agent: Agent) -> None:
        self._journal = journal
        self._sessions = sessions
        self._agent = agent
        self._earlier = Earlier(journal, agent)
        #: What comes while the agent is asked.
        self.meanwhile = Meanwhile(journal)

    async def gather(self, entry: Entry, bot: Bot) -> Entry:
        """Return *entry* with what shall be answered in its turn, if that is still to be asked."""
        if _added(entry) is not None or await self._find(entry) is not None:
            return entry
        return await gather(self._journal, entry, bot)

    async def answer(self, entry: Entry, bot: Bot, *, alone: bool = False) -> Answer | None:
        """Return the answer to *entry*; None when another message goes first now.

        *alone* says that nothing else runs meanwhile. Raises AgentError when there is none to be
        had.
        """
        try:
            return await self._find(entry) or await self._ask(entry, bot, alone=alone)
        except (ConversationDied, AgentStartFailed) as error:
            log.warning("turn_retried", bot=bot.id, entry=entry.seq, why=str(error))
        # The child may have ended between its answer and our reading of it.
        current = await self._journal.entry(entry.seq) or entry
        return await self._find(current) or await self._ask(entry, bot, alone=alone)

    async def _find(self, entry: Entry) -> Answer | None:
        """Look for an answer that an earlier attempt got before server or child went away."""
        found = await self._earlier.answer(entry)
        if found is None:
            return None
        return Answer(markdown=found.markdown, attempt=found.attempt, path=None, reply=None)

    async def _ask(self, entry: Entry, bot: Bot, *, alone: bool) -> Answer | None:
        key = session_key(bot, entry.message)
        async with self._sessions.seat(
            bot, key, asked_at=entry.accepted_at, lane=entry.lane
        ) as seat:
            if (added := _added(entry)) is not None:
                heard = seat.hear(
                    added.prompt_uuid, timeout_s=bot.turn.timeout_s, silence_s=bot.turn.silence_s
                )
                return await self._answer(entry, bot, added, seat, heard)
            attempt = await self._journal.start_attempt(
                entry, session_id=seat.session_id, prompt_uuid=str(uuid4()), alone=alone
            )
            if attempt is None:
                return None
            recap = await self._recap(entry, bot, key, seat)
            first, *more = entry.messages
            asked = seat.ask(
                compose_prompt(first, recap, more=more),
                prompt_uuid=attempt.prompt_uuid,
                timeout_s=bot.turn.timeout_s,
                silence_s=bot.turn.silence_s,
            )
            return await self._answer(entry, bot, attempt, seat, asked)

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
        if reply is None:
            await self._failed(attempt, "another message of the asker ended it")
            return None
        if reply.kept_as is not None:
            attempt = await self._journal.companions.absorb(
                entry, reply.prompts, kept_as=reply.kept_as
            )
        return Answer(markdown=reply.text, attempt=attempt, path=seat.path, reply=reply)

    async def _failed(self, attempt: Attempt, why: str) -> None:
        await self._journal.end_attempt(attempt, state=AttemptState.FAILED, error=why)

    async def _recap(
        self, entry: Entry, bot: Bot, key: SessionKey, seat: Seat
    ) -> tuple[Exchange, ...]:
        """Return what the room last talked about, as far as the agent should know it and does not.

        A room whose last turn is younger than the TTL has a session; a cold start then means
        that it was lost. An older one has expired, and begins anew as it should.
        """
        new = seat.path in (Warmth.COLD, Warmth.SPARE)
        limit = _RECAP_TURNS if new else seat.unheard
        if limit == 0:
            return ()
        last = await self._journal.recent(
            platform=bot.platform, bot=bot.id, room=key.room, user=key.user, limit=limit
        )
        alive_since = entry.accepted_at - timedelta(seconds=bot.session.ttl_s)
        if not last or last[-1].settled_at < alive_since:
            return ()
        log.warning("session_recapped", bot=bot.id, room=key.room, exchanges=len(last))
        return last


def _added(entry: Entry) -> Attempt | None:
    """Return the attempt by which the agent has the message already: it was added to a turn."""
    last = entry.attempts[-1] if entry.attempts else None
    added = last is not None and last.behind is not None and last.state is AttemptState.RUNNING
    return last if added else None


def session_key(bot: Bot, message: Message) -> SessionKey:
    """Name the session that remembers *message*: the room's, or its author's in the room."""
    user = message.author.id if bot.session.scope == "user" else None
    return SessionKey(room=message.room, bot=bot.id, user=user)
