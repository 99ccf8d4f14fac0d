"""A server that is about to be killed: it opens a conversation, says its child, and asks."""

import asyncio
import sys
from pathlib import Path
from uuid import uuid4

from bot.agent.agent import Agent
from bot.agent.folders import AgentFolders
from bot.agent.launch import write_launcher
from bot.agent.line import Ticket, Urgency
from bot.agent.start import Fresh
from bot.config.settings import AgentAccess
from tests.agent.bots import ADA


async def main(root: Path, url: str) -> None:
    """Ask until killed."""
    folders = AgentFolders(root=root)
    write_launcher(folders)
    agent = Agent(AgentAccess(api_key="sk-the-key-of-the-tests", base_url=url), folders)
    conversation = agent.conversation(ADA, Fresh(session_id=str(uuid4())), Ticket(Urgency.TURN))
    async with asyncio.TaskGroup() as group:
        group.create_task(conversation.run())
        await conversation.opened()
        sys.stdout.write(f"{conversation.pid}\n")
        sys.stdout.flush()
        await conversation.ask(
            "stall, please", prompt_uuid=str(uuid4()), timeout_s=60, silence_s=60
        )


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
