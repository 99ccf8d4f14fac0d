"""A stand-in model, an agent that reaches nothing else, and conversations that end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest

from bot.agent.agent import Agent
from bot.agent.conversation import Conversation
from bot.agent.folders import AgentFolders
from bot.agent.launch import write_launcher
from bot.agent.line import Ticket, Urgency
from bot.agent.reply import Reply
from bot.agent.start import Fresh, Start
from bot.config.bot import Bot
from bot.config.settings import AgentAccess
from bot.testing.model import Model, open_model
from tests.agent.bots import ADA

#: A bound for what takes a few milliseconds.
SOON_S = 20.0


class Opens(Protocol):
    """Opens a conversation with a real child."""

    def __call__(
        self, start: Start | None = None, bot: Bot = ADA
    ) -> AbstractAsyncContextManager[Conversation]:
        """Open it; closed at the end of the block."""
        ...


@pytest.fixture
async def model() -> AsyncIterator[Model]:
    """Serve a stand-in model."""
    async with open_model() as model:
        yield model


@pytest.fixture
def folders(tmp_path: Path) -> AgentFolders:
    """Return a session cache with a launcher in it."""
    folders = AgentFolders(root=tmp_path)
    write_launcher(folders)
    return folders


@pytest.fixture
def agent(model: Model, folders: AgentFolders) -> Agent:
    """Return an agent that thinks with the stand-in."""
    return Agent(AgentAccess(api_key="sk-the-key-of-the-tests", base_url=model.url), folders)


@pytest.fixture
def costs() -> list[float]:
    """Return what the children have counted, after each prompt."""
    return []


@pytest.fixture
def opens(agent: Agent, costs: list[float]) -> Opens:
    """Return what opens conversations of that agent."""

    def open_one(
        start: Start | None = None, bot: Bot = ADA
    ) -> AbstractAsyncContextManager[Conversation]:
        conversation = agent.conversation(bot, start or fresh(), Ticket(Urgency.TURN))
        conversation.on_cost = costs.append
        return opened(conversation)

    return open_one


@asynccontextmanager
async def opened(conversation: Conversation) -> AsyncIterator[Conversation]:
    """Run a conversation until the block ends."""
    async with asyncio.TaskGroup() as group:
        group.create_task(conversation.run())
        try:
            await conversation.opened()
            yield conversation
        finally:
            await conversation.close()


def fresh() -> Fresh:
    """Return the start of a new session."""
    return Fresh(session_id=str(uuid4()))


async def ask(
    conversation: Conversation,
    text: str,
    *,
    prompt_uuid: str | None = None,
    timeout_s: float = SOON_S,
) -> Reply:
    """Ask something under a new uuid."""
    return await conversation.ask(
        text, prompt_uuid=prompt_uuid or str(uuid4()), timeout_s=timeout_s, silence_s=SOON_S
    )
