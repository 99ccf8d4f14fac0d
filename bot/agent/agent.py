"""The agent as the sessions use it."""

import asyncio
import os
import shutil
from collections.abc import Callable

from bot.agent.conversation import Conversation
from bot.agent.folders import AgentFolders
from bot.agent.launch import bare_environment, bundled_child, write_launcher
from bot.agent.options import agent_options
from bot.agent.selfcheck import ChildVersion, check_child
from bot.agent.start import Fresh, Start
from bot.agent.transcript import (
    Transcript,
    delete_transcript,
    is_session_id,
    read_transcript,
)
from bot.config.bot import Bot
from bot.config.settings import AgentAccess


class Agent:
    """Opens conversations, and keeps what they leave behind."""

    def __init__(self, access: AgentAccess, folders: AgentFolders) -> None:
        self._access = access
        self._folders = folders
        # A boot takes half a CPU second: more at once than cores only makes all of them late.
        self._boots = asyncio.Semaphore(max(1, os.cpu_count() or 1))

    async def prepare(self) -> ChildVersion:
        """Write the launcher and look at the child once.

        Raises AgentMissing or OSError.
        """
        await asyncio.to_thread(write_launcher, self._folders)
        child = bundled_child()
        environment = bare_environment(self._folders, child)
        return await check_child(self._folders.launcher, child, environment)

    def check(self, bot: Bot) -> None:
        """Build the bot's options once, so that a tool that cannot be loaded shows early.

        Raises AgentMissing.
        """
        start = Fresh(session_id="00000000-0000-4000-8000-000000000000")
        agent_options(bot, start, access=self._access, folders=self._folders, stderr=_unheard)

    def conversation(
        self, bot: Bot, start: Start, *, on_cost: Callable[[float], None]
    ) -> Conversation:
        """Return a conversation that is not running yet; see there for *on_cost*.

        Raises AgentMissing when one of the bot's in-process tools cannot be loaded.
        """
        return Conversation(
            bot,
            start,
            access=self._access,
            folders=self._folders,
            boots=self._boots,
            on_cost=on_cost,
        )

    async def transcript(self, bot: str, session_id: str) -> Transcript | None:
        """Read a session's transcript; None when there is none, and so nothing to resume."""
        return await asyncio.to_thread(read_transcript, self._folders.config(bot), session_id)

    async def forget(self, bot: str, session_id: str) -> None:
        """Remove the session's transcript and working directory. Its child must be gone."""
        await asyncio.to_thread(self._forget, bot, session_id)

    def _forget(self, bot: str, session_id: str) -> None:
        if not is_session_id(session_id):
            return  # from a file that others wrote: nothing of ours, and perhaps a path elsewhere
        delete_transcript(self._folders.config(bot), session_id)
        work = self._folders.work(bot, session_id)
        if work.exists():
            shutil.rmtree(work)


def _unheard(_line: str) -> None:
    """Take the words of a child that is never started."""
