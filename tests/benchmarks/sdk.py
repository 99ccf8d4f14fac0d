"""The limit of a turn: the SDK alone, with the options that Hearth gives it."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any
from uuid import uuid4

from claude_agent_sdk import AssistantMessage, ClaudeSDKClient, ResultMessage

from bot.agent.folders import AgentFolders
from bot.agent.launch import write_launcher
from bot.agent.options import agent_options
from bot.agent.start import Fresh, Resume, Start
from bot.config.bot import Bot
from bot.config.bots_dir import read_bots
from bot.config.settings import AgentAccess, load_settings


class BareSdk:
    """Clients without a server around them."""

    def __init__(self, folder: Path, bots: Path, model_url: str) -> None:
        self.folders = AgentFolders(root=folder)
        self.folders.root.mkdir(exist_ok=True)
        write_launcher(self.folders)
        self.access = AgentAccess(api_key="a-made-up-key", base_url=model_url)
        self.bot = _bot(bots)

    def client(self, start: Start) -> ClaudeSDKClient:
        """Return a client that is not connected yet."""
        self.folders.prepare(self.bot, start.session_id)
        options = agent_options(
            self.bot, start, access=self.access, folders=self.folders, stderr=lambda _line: None
        )
        return ClaudeSDKClient(options)

    def fresh(self) -> tuple[str, ClaudeSDKClient]:
        """Return a new session's id and client."""
        session_id = str(uuid4())
        return session_id, self.client(Fresh(session_id=session_id))

    def resumed(self, session_id: str) -> ClaudeSDKClient:
        """Return a client on an old session."""
        return self.client(Resume(session_id=session_id))


async def ask(client: ClaudeSDKClient, text: str) -> float:
    """Ask a connected client and return the seconds until its result."""
    return (await hear(client, text))[1]


async def hear(client: ClaudeSDKClient, text: str) -> tuple[float, float]:
    """Ask a connected client and return the seconds until its text, and until its result."""
    started = time.perf_counter()
    heard = 0.0
    await client.query(_prompt(text))
    async for message in client.receive_response():
        if isinstance(message, AssistantMessage):
            heard = heard or time.perf_counter() - started
        elif isinstance(message, ResultMessage):
            break
    return heard, time.perf_counter() - started


async def pid_of(client: ClaudeSDKClient) -> int:
    """Return the id of a connected client's child."""
    return int((await client.get_server_info() or {})["pid"])


async def release(clients: Iterable[ClaudeSDKClient]) -> None:
    """Disconnect idle clients, all at once."""
    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(client.disconnect(), name="disconnect")


async def _prompt(text: str) -> AsyncIterator[dict[str, Any]]:
    yield {
        "type": "user",
        "uuid": str(uuid4()),
        "message": {"role": "user", "content": text},
        "parent_tool_use_id": None,
    }


def _bot(bots: Path) -> Bot:
    environ = {"HEARTH_CAMPFIRE_URL": "http://127.0.0.1:1", "ADA_BOT_KEY": "3-AbCdEf123456"}
    reading = read_bots(
        bots,
        environ=environ,
        settings=load_settings({"HEARTH_CAMPFIRE_URL": environ["HEARTH_CAMPFIRE_URL"]}),
    )
    return reading.bots["ada"]
