"""Starting the child of a conversation, and letting it go."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from bot.agent.client import Client
from bot.agent.folders import AgentFolders
from bot.agent.translate import BrokenConfig, foreign_errors
from bot.config.bot import Bot

log = structlog.get_logger(__name__)

#: An idle child is gone 25 ms after its input closes; a hung one would take 10 s to give up on.
_CLOSE_S = 2.0


async def boot(
    client: Client, folders: AgentFolders, bot: Bot, session_id: str, stderr: Sequence[str]
) -> int | None:
    """Start the child and return its process, if it says which.

    Raises AgentError, with what the child wrote to *stderr*.
    """
    with foreign_errors(stderr):
        await asyncio.to_thread(folders.prepare, bot, session_id)
        try:
            with foreign_errors(stderr):
                await client.connect()
        except BrokenConfig:
            # One damaged file fails every start of this bot; the child writes it anew.
            log.warning("agent_config_removed", bot=bot.id)
            folders.drop_child_settings(bot.id)
            await client.connect()
        return (await client.get_server_info() or {}).get("pid")


async def let_go(client: Client, kill: Callable[[], None]) -> None:
    """End the child in order; one that does not listen is killed."""
    try:
        async with asyncio.timeout(_CLOSE_S):
            await client.disconnect()
    except TimeoutError:
        kill()
        await client.disconnect()
    except asyncio.CancelledError:
        kill()
        raise
