"""Getting the agent's answer to a message, exactly once as far as the agent can see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import structlog

from bot.agent.agent import Agent
from bot.agent.blocks import with_files
from bot.agent.made_files import MadeFiles
from bot.agent.reply import Reply
from bot.config.bot import Bot
from bot.errors import AgentError, AgentStartFailed, ConversationDied
from bot.journal.journal import Journal
from bot.records import Attempt, AttemptState, Entry, Exchange, File, Message, SessionKey
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

    async def answer(
        self, entry: Entry, bot: Bot, *, alone: bool = False, files: Sequence[File] = ()
    ) -> Answer | None:
        """Return the answer to *entry*; None when another message goes first now.

        *alone* says that nothing else runs meanwhile. *files* came with the message. Raises
        AgentError when there is none to be had.
        """
        try:
            return await self._find(entry) or await self._ask(entry, bot, files, alone=alone)
        except (ConversationDied, AgentStartFailed) as error:
            log.warning("turn_retried", bot=bot.id, entry=entry.seq, why=str(error))
        # The child may have ended between its answer and our reading of it.
        current = await self._journal.entry(entry.seq) or entry
        return await self._find(current) or await self._ask(entry, bot, files, alone=alone)

    async def made(self, answer: Answer, bot: Bot) -> MadeFiles:
        """Return the files that came about with *answer*, if the bot may post any."""
        if not bot.reply.attachments:
            return MadeFiles()
        attempt = answer.attempt
        return await self._agent.made(bot.id, attempt.session_id, since=attempt.started_at)

    async def _find(self, entry: Entry) -> Answer | None:
        """Look for an answer that an earlier attempt got before server or child went away."""
        for attempt in reversed(entry.attempts):
            transcript = await self._agent.transcript(entry.message.bot, attempt.session_id)
            text = transcript.answer_to(attempt.prompt_uuid) if transcript else None
            if text is not None:
                return Answer(markdown=text, attempt=attempt, path=None, reply=None)
        return None

    async def _ask(
        self, entry: Entry, bot: Bot, files: Sequence[File], *, alone: bool
    ) -> Answer | None:
        key = session_key(bot, entry.message)
        async with self._sessions.seat(
            bot, key, asked_at=entry.accepted_at, lane=entry.lane
        ) as seat:
            attempt = await self._journal.start_attempt(
                entry, session_id=seat.session_id, prompt_uuid=str(uuid4()), alone=alone
            )
            if attempt is None:
                return None
            recap = await self._recap(entry, bot, key, seat)
            prompt = with_files(compose_prompt(entry.message, recap, files=bool(files)), files)
            try:
                reply = await seat.ask(
                    prompt,
                    prompt_uuid=attempt.prompt_uuid,
                    timeout_s=bot.turn.timeout_s,
                    silence_s=bot.turn.silence_s,
                )
            except AgentError as error:
                await self._journal.end_attempt(
                    attempt, state=AttemptState.FAILED, error=str(error)
                )
                raise
            return Answer(markdown=reply.text, attempt=attempt, path=seat.path, reply=reply)

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


def session_key(bot: Bot, message: Message) -> SessionKey:
    """Name the session that remembers *message*: the room's, or its author's in the room."""
    user = message.author.id if bot.session.scope == "user" else None
    return SessionKey(room=message.room, bot=bot.id, user=user)
