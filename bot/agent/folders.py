"""Where the agent keeps its state, per bot and per session."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from bot.config.bot import Bot


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentFolders:
    """The agent's part of the session cache. One config folder a bot: damage stays with it."""

    #: The session cache, absolute: the child runs in another working directory.
    root: Path

    def config(self, bot: str) -> Path:
        """Return the bot's CLAUDE_CONFIG_DIR, which holds its transcripts."""
        return self.root / "agent" / bot

    def work(self, bot: str, session_id: str) -> Path:
        """Return the child's working directory, the same for the whole life of a session."""
        return self.root / "work" / bot / session_id

    def mcp(self, bot: str) -> Path:
        """Return the bot's MCP configuration: a file, since arguments can be read by everybody."""
        return self.root / "agent" / f"{bot}.mcp.json"

    @property
    def launcher(self) -> Path:
        """Return the script that starts a child."""
        return self.root / "agent" / "launch"

    def prepare(self, bot: Bot, session_id: str) -> None:
        """Make the folders that a child of *bot* needs, owned by the user it runs as."""
        made = (self.config(bot.id), self.work(bot.id, session_id))
        for folder in made:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if bot.agent.user is not None:
            for path in (*made, self.mcp(bot.id)):
                if path.exists():
                    shutil.chown(path, bot.agent.user)

    def drop_child_settings(self, bot: str) -> None:
        """Remove the child's own settings file, which it writes anew."""
        (self.config(bot) / ".claude.json").unlink(missing_ok=True)
