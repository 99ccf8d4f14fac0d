"""A place in a session for one turn, and what the sessions need to know of prompts."""

from typing import Protocol

from bot.agent.client import Content
from bot.agent.conversation import Conversation
from bot.agent.reply import NOBODY, Listener, Reply
from bot.records.prompts import SessionPrompts
from bot.sessions.session import Session


class Prompts(Protocol):
    """What the journal knows of prompts."""

    async def prompts(self, session_id: str) -> SessionPrompts:
        """Return what was sent in a session."""
        ...


class Seat:
    """A place in a session, for one turn."""

    def __init__(self, session: Session, conversation: Conversation) -> None:
        self.session_id = session.file.session_id
        #: How this turn came to its conversation; who opened it before the turn changes nothing.
        self.path = session.opened.path
        #: How many of the last answers the room has heard and the agent does not know.
        self.unheard = session.opened.unheard
        #: Whether a prompt was sent.
        self.asked = False
        #: Whether what the room last talked about had to be told to it.
        self.recapped = False
        #: The answered turn, once there is one.
        self.reply: Reply | None = None
        self._session = session
        self._conversation = conversation

    async def ask(
        self,
        text: Content,
        *,
        prompt_uuid: str,
        timeout_s: float,
        silence_s: float,
        listener: Listener = NOBODY,
    ) -> Reply:
        """Send one prompt; see `Conversation.ask` for what it raises."""
        self.asked = True
        self._session.prompted()
        self._conversation.listener = listener
        self.reply = await self._conversation.ask(
            text, prompt_uuid=prompt_uuid, timeout_s=timeout_s, silence_s=silence_s
        )
        return self.reply

    async def add(self, text: str, *, prompt_uuid: str) -> bool:
        """Send an addition to the prompt under way; see `Conversation.add`."""
        return await self._conversation.add(text, prompt_uuid=prompt_uuid)

    async def hear(
        self, prompt_uuid: str, *, timeout_s: float, silence_s: float, listener: Listener = NOBODY
    ) -> Reply | None:
        """Return the answer to an addition of an earlier turn; see `Conversation.hear`."""
        self.asked = True
        self._conversation.listener = listener
        self.reply = await self._conversation.hear(
            prompt_uuid, timeout_s=timeout_s, silence_s=silence_s
        )
        return self.reply

    async def close(self) -> None:
        """Close the conversation: what it was asked is asked again, and the agent is told once."""
        await self._conversation.close()
