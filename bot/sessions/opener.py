"""Opens the conversation of a session: the one that is there, one resumed from its file, or new."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial

import structlog

from bot.agent.agent import Agent
from bot.agent.conversation import Conversation
from bot.agent.line import Ticket
from bot.agent.start import Fresh, Unkept
from bot.config.bot import Bot
from bot.errors import AgentStartFailed, SessionLost
from bot.records import SessionKey
from bot.sessions.conversations import Conversations
from bot.sessions.opening import Opening, choose_opening, first_opening, new_session_id
from bot.sessions.registry import Registry
from bot.sessions.saving import Saving
from bot.sessions.seat import Prompts
from bot.sessions.session import Opened, Session
from bot.sessions.spares import Spares
from bot.sessions.statistics import Warmth

log = structlog.get_logger(__name__)


class Opener:
    """Opens conversations; and forgets sessions, which is the other half of beginning anew.

    Everything here is for whoever holds the session.
    """

    def __init__(
        self,
        agent: Agent,
        registry: Registry,
        conversations: Conversations,
        spares: Spares,
        saving: Saving,
        prompts: Prompts,
    ) -> None:
        #: Sessions that could not be resumed.
        self.lost = 0
        self._agent = agent
        self._registry = registry
        self._conversations = conversations
        self._spares = spares
        self._saving = saving
        self._prompts = prompts

    async def open(self, session: Session, bot: Bot, *, asked_at: datetime, ticket: Ticket) -> None:
        """Have a conversation open that is right for a prompt that was sent now.

        *asked_at* is when its message was accepted: a session that was alive then is not expired
        now. Raises AgentStartFailed, AgentMissing or NoPlace.
        """
        expired = session.expired(bot.session.ttl_s, asked_at)
        if not expired and await self._is_right(session, bot):
            return
        await session.close()
        session.ticket = ticket
        try:
            if expired:
                await self.forget(session)
            await self._take_up(session, bot, ticket)
        except OSError as error:
            raise AgentStartFailed(f"the session cannot be kept on disk: {error}") from error
        finally:
            session.ticket = None

    @asynccontextmanager
    async def aside(self, bot: Bot, key: SessionKey, ticket: Ticket) -> AsyncIterator[Session]:
        """Open a session that is not the one of *key*, and is gone with all its traces in the end.

        It takes no spare: a spare writes a transcript. Raises as `open` does.
        """
        session = Session(self._registry.new_file(key), stored=False)
        start = Unkept(session_id=session.file.session_id)
        conversation = await self._conversations.start(bot, start, ticket, session)
        session.begin(conversation, _uncounted, counted_usd=0.0)
        session.opened = Opened(path=Warmth.COLD)
        try:
            await conversation.opened()
            yield session
        finally:
            await conversation.close()
            await self._erase(bot, start.session_id)

    async def forget(self, session: Session) -> None:
        """Delete a session's transcript and file, and let it begin anew. Raises OSError."""
        old = session.file
        # In this order: without the file, nobody knows of the transcript any more.
        await self._agent.forget(old.key.bot, old.session_id)
        await self._saving.remove(old.key)
        session.file, session.stored = self._registry.new_file(old.key), False

    async def _is_right(self, session: Session, bot: Bot) -> bool:
        """Tell whether the open conversation can go on, and what it was opened upon still holds."""
        conversation = session.conversation
        if conversation is None or not session.hot or not _serves(conversation, bot):
            return False
        before = session.opened.prompts
        return before is None or before == await self._prompts.prompts(session.file.session_id)

    async def _take_up(self, session: Session, bot: Bot, ticket: Ticket) -> None:
        """Resume the session, or start a new one where that is impossible."""
        opening, opened = await self._choose(session)
        if ticket.urgency.background and opening.path is Warmth.COLD:
            return  # what has to begin anew waits until somebody asks
        if opening.lost:
            self._note_lost(session, "it has no transcript")
        if opening.clear:
            await self._agent.forget(bot.id, session.file.session_id)
        if opening.path is Warmth.COLD:
            await self._begin(session, bot, opening, ticket)
            return
        try:
            await self._start(session, bot, opening, ticket)
            session.opened = opened
        except SessionLost as error:
            await self._start_over(session, bot, ticket, error)

    async def _choose(self, session: Session) -> tuple[Opening, Opened]:
        file = session.file
        if not session.stored:
            return first_opening(file), Opened(path=Warmth.COLD)
        transcript = await self._agent.transcript(file.key.bot, file.session_id)
        if transcript is not None and transcript.torn is not None:
            log.warning("summary_torn", bot=file.key.bot, room=file.key.room)
            await self._agent.mend(file.key.bot, file.session_id, transcript.torn)
            transcript = await self._agent.transcript(file.key.bot, file.session_id)
        prompts = await self._prompts.prompts(file.session_id)
        opening = choose_opening(file, transcript, prompts)
        return opening, Opened(path=opening.path, unheard=opening.unheard, prompts=prompts)

    async def _start_over(
        self, session: Session, bot: Bot, ticket: Ticket, error: SessionLost
    ) -> None:
        """Begin a new session in place of one that the child refuses."""
        lost = session.file.session_id
        self._note_lost(session, str(error))
        start = Fresh(session_id=new_session_id())
        await self._agent.forget(bot.id, lost)
        await self._begin(session, bot, Opening(start=start, path=Warmth.COLD, anyhow=True), ticket)

    async def _begin(self, session: Session, bot: Bot, opening: Opening, ticket: Ticket) -> None:
        """Begin a session: on a spare, if there is one, else with a child of its own."""
        spare = self._spares.claim(bot) if opening.anyhow else None
        if spare is not None:
            await self._claim(session, spare, ticket)
            return
        await self._renew(session, opening.start.session_id)
        await self._start(session, bot, opening, ticket)
        session.opened = Opened(path=Warmth.COLD)

    async def _claim(self, session: Session, spare: Conversation, ticket: Ticket) -> None:
        """Make a spare the session's, on disk before a prompt can leave."""
        path = Warmth.SPARE if spare.usable else Warmth.COLD
        self._conversations.pass_on(spare, session)
        session.ticket = spare.ticket
        spare.ticket.hurry(ticket.deadline)
        try:
            await self._renew(session, spare.session_id)
            session.begin(spare, self.counting(session), counted_usd=0.0)
        finally:
            if session.conversation is not spare:
                await spare.close()
        await spare.opened()
        session.opened = Opened(path=path)

    async def _start(self, session: Session, bot: Bot, opening: Opening, ticket: Ticket) -> None:
        """Boot a child, once there is a place for it."""
        conversation = await self._conversations.start(bot, opening.start, ticket, session)
        session.begin(conversation, self.counting(session), counted_usd=opening.counted_usd)
        await conversation.opened()

    async def _erase(self, bot: Bot, session_id: str) -> None:
        try:
            await self._agent.erase(session_id)
        except OSError as error:  # the next start tries again
            log.error("off_record_unremovable", bot=bot.id, why=error.strerror)  # noqa: TRY400 - the disk's

    def counting(self, session: Session) -> Callable[[float], None]:
        """Return what takes the cost that a child of *session* has counted."""
        return partial(self._spent, session)

    def _spent(self, session: Session, counted_usd: float) -> None:
        self._saving.soon(session.spent(counted_usd))

    async def _renew(self, session: Session, session_id: str) -> None:
        """Give the session a new file, on disk before its child starts."""
        file = self._registry.new_file(session.file.key, session_id)
        session.file, session.stored = file, True
        await self._saving.now(file)

    def _note_lost(self, session: Session, why: str) -> None:
        self.lost += 1
        key = session.file.key
        log.warning("session_lost", bot=key.bot, room=key.room, why=why)


def _uncounted(_dollars: float) -> None:
    """Take the cost of what nobody keeps."""


def _serves(conversation: Conversation, bot: Bot) -> bool:
    """Tell whether *conversation* was opened with the options that *bot* has now.

    If so it is that bot's from then on: a file that was read again is compared once.
    """
    if conversation.bot is not bot:
        if conversation.bot.digest != bot.digest:
            return False
        conversation.bot = bot
    return True
