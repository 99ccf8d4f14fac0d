"""The agent as the sessions use it."""

import asyncio
import shutil
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

import structlog

from bot.agent.boots import Boots
from bot.agent.compaction import cut_torn_summary
from bot.agent.conversation import Conversation
from bot.agent.folders import AgentFolders
from bot.agent.launch import bare_environment, bundled_child, write_launcher
from bot.agent.line import Ticket
from bot.agent.made_files import MadeFiles, made_since
from bot.agent.options import agent_options
from bot.agent.processors import processors
from bot.agent.selfcheck import ChildVersion, look_at_child
from bot.agent.start import Fresh, Start, Unkept
from bot.agent.transcript import (
    Transcript,
    delete_transcript,
    find_transcript,
    is_session_id,
    read_transcript,
)
from bot.config.bot import Bot
from bot.config.settings import AgentAccess
from bot.errors import AgentStartFailed

log = structlog.get_logger(__name__)


class Agent:
    """Opens conversations, and keeps what they leave behind."""

    def __init__(self, access: AgentAccess, folders: AgentFolders) -> None:
        self._access = access
        self._folders = folders
        self._boots = Boots(processors())

    async def prepare(self) -> ChildVersion:
        """Write the launcher and look at the child, once for each installation of it.

        Raises AgentMissing or AgentStartFailed.
        """
        try:
            await asyncio.to_thread(write_launcher, self._folders)
        except OSError as error:
            why = f"{self._folders.launcher} cannot be written: {error.strerror or error}"
            raise AgentStartFailed(why) from error
        child = bundled_child()
        environment = bare_environment(self._folders, child)
        return await look_at_child(self._folders.launcher, child, environment)

    def check(self, bot: Bot) -> None:
        """Build the bot's options once, so that a tool that cannot be loaded shows early.

        Raises AgentMissing.
        """
        start = Fresh(session_id="00000000-0000-4000-8000-000000000000")
        agent_options(bot, start, access=self._access, folders=self._folders, stderr=_unheard)

    @property
    def boots_waiting(self) -> int:
        """How many children wait until they may boot."""
        return self._boots.waiting

    def stir(self) -> None:
        """Take note that a turn needs the processors now: whom nobody waits for boots later."""
        self._boots.stir()

    def conversation(self, bot: Bot, start: Start, ticket: Ticket) -> Conversation:
        """Return a conversation that is not running yet; *ticket* says how urgent it is.

        Raises AgentMissing when one of the bot's in-process tools cannot be loaded.
        """
        unkept = isinstance(start, Unkept)
        return Conversation(
            bot,
            start,
            access=self._access,
            folders=self._folders.set_apart(start.session_id) if unkept else self._folders,
            boots=self._boots,
            ticket=ticket,
        )

    async def transcript(self, bot: str, session_id: str) -> Transcript | None:
        """Read a session's transcript; None when there is none, and so nothing to resume."""
        return await asyncio.to_thread(read_transcript, self._folders.config(bot), session_id)

    async def made(self, bot: str, session_id: str, *, since: datetime) -> MadeFiles:
        """Read the files that the agent has made in a session's working directory since then."""
        work = self._folders.work(bot, session_id)
        return await asyncio.to_thread(made_since, work, since.timestamp())

    async def mend(self, bot: str, session_id: str, torn: str) -> None:
        """Cut a session's transcript where `Transcript.torn` says. Raises OSError."""
        path = find_transcript(self._folders.config(bot), session_id)
        if path is not None:
            await asyncio.to_thread(cut_torn_summary, path, torn)

    async def forget(self, bot: str, session_id: str) -> None:
        """Remove the session's transcript and working directory. Its child must be gone."""
        await asyncio.to_thread(self._forget, bot, session_id)

    async def erase(self, session_id: str) -> None:
        """Remove what an `Unkept` session may have left. Its child must be gone. Raises OSError."""
        folder = self._folders.set_apart(session_id).config("")
        if folder.exists():  # else its child never came to boot
            await asyncio.to_thread(shutil.rmtree, folder)

    async def tidy(self, known: Iterable[str]) -> None:
        """Remove the empty working directories of sessions that are not *known*.

        They are of spares that a crash left behind; and what it left of a session that nobody was
        to keep goes as a whole. For the start, before there is a child.
        """
        await asyncio.to_thread(self._tidy, frozenset(known))

    def _tidy(self, known: frozenset[str]) -> None:
        for work in (self._folders.root / "work").glob("*/*"):
            if is_session_id(work.name) and work.name not in known:
                with suppress(OSError):  # not empty: of a session whose file is gone
                    work.rmdir()
        for folder in self._folders.left_apart():
            try:
                shutil.rmtree(folder)
            except OSError as error:  # the next start tries again
                log.warning("session_unremovable", folder=folder.name, why=str(error))

    def _forget(self, bot: str, session_id: str) -> None:
        if not is_session_id(session_id):
            return  # from a file that others wrote: nothing of ours, and perhaps a path elsewhere
        delete_transcript(self._folders.config(bot), session_id)
        for scratch in self._folders.scratch(bot).glob(f"*/*/{session_id}"):
            shutil.rmtree(scratch)
        work = self._folders.work(bot, session_id)
        if work.exists():
            shutil.rmtree(work)


def _unheard(_line: str) -> None:
    """Take the words of a child that is never started."""
