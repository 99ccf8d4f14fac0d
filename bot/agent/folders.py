"""Where the agent keeps its state, per bot and per session."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bot.config.bot import Bot
from bot.errors import AgentStartFailed

_APART: Final = "apart."
#: Groups and others may pass.
_PASSAGE: Final = 0o011


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentFolders:
    """The agent's part of the session cache. One config folder a bot: damage stays with it."""

    #: The session cache, absolute: the child runs in another working directory.
    root: Path
    #: The one session whose folders these are, with nothing of any other; None: all that are kept.
    apart: str | None = None

    def config(self, bot: str) -> Path:
        """Return the bot's CLAUDE_CONFIG_DIR, which holds its transcripts."""
        # A point is in no bot's id.
        return self.root / "agent" / (f"{_APART}{self.apart}" if self.apart else bot)

    def work(self, bot: str, session_id: str) -> Path:
        """Return the child's working directory, the same for the whole life of a session."""
        if self.apart:
            return self.config(bot) / "work"
        return self.root / "work" / bot / session_id

    def scratch(self, bot: str) -> Path:
        """Return where the bot's children put what they need for a while: images, long results."""
        return self.config(bot) / "tmp"

    def set_apart(self, session_id: str) -> "AgentFolders":
        """Return folders for one session, which can be removed with all that was left there."""
        return replace(self, apart=session_id)

    def left_apart(self) -> Iterator[Path]:
        """Yield the folders set apart that a crash left behind."""
        return (self.root / "agent").glob(f"{_APART}*")

    def mcp(self, bot: str) -> Path:
        """Return the bot's MCP configuration: a file, since arguments can be read by everybody."""
        return self.root / "agent" / f"{bot}.mcp.json"

    @property
    def launcher(self) -> Path:
        """Return the script that starts a child."""
        return self.root / "agent" / "launch"

    def prepare(self, bot: Bot, session_id: str) -> None:
        """Put in place what a child of *bot* needs, owned by the user it runs as.

        Raises AgentStartFailed or OSError.
        """
        work = self.work(bot.id, session_id)
        for folder in (self.config(bot.id), self.scratch(bot.id), work):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _give(folder, bot)
        if bot.agent.user is not None:
            self._let_pass(self.config(bot.id), work)
        if bot.agent.mcp_servers:
            _write_mcp(bot, self.mcp(bot.id))
        else:
            self.mcp(bot.id).unlink(missing_ok=True)

    def _let_pass(self, config: Path, work: Path) -> None:
        """Let other users through to what is theirs: they can list nothing on the way."""
        for folder in {*config.parents, *work.parents} - {config}:
            if folder.is_relative_to(self.root):
                folder.chmod(folder.stat().st_mode & 0o7777 | _PASSAGE)

    def drop_child_settings(self, bot: str) -> None:
        """Remove the child's own settings file, which it writes anew."""
        (self.config(bot) / ".claude.json").unlink(missing_ok=True)


def _write_mcp(bot: Bot, path: Path) -> None:
    """Write the MCP servers, whose environment may hold secrets, for the owner's eyes only.

    Children of one bot start side by side: each finds a whole file that it may read.
    """
    text = json.dumps(
        {"mcpServers": {server.name: server.as_option() for server in bot.agent.mcp_servers}}
    )
    number, fresh = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600 from birth
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
        _give(Path(fresh), bot)
        Path(fresh).replace(path)
    finally:
        Path(fresh).unlink(missing_ok=True)  # there only when one of these failed


def _give(path: Path, bot: Bot) -> None:
    """Make *path* the property of the user that the bot's child runs as."""
    user = bot.agent.user
    if user is None:
        return
    try:
        shutil.chown(path, user)
    except LookupError:
        raise AgentStartFailed(
            f'bot {bot.id}: [agent] user "{user}" does not exist on this machine'
        ) from None
