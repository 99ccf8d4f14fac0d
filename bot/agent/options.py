"""The options of a child: the set "R" that was measured, each with its reason."""

from collections.abc import Callable
from typing import Any

from claude_agent_sdk import ClaudeAgentOptions
from claude_agent_sdk.types import ThinkingConfig

from bot.agent.compaction import Compaction
from bot.agent.folders import AgentFolders
from bot.agent.launch import child_environment, other_user
from bot.agent.preamble import instructions
from bot.agent.start import Resume, Start, Unkept
from bot.agent.tools import in_process_servers
from bot.config.bot import Bot
from bot.config.settings import AgentAccess

#: One line of the child's output; the SDK's default of 1 MiB wedges the client on a long answer.
_LINE_BYTES = 16 * 2**20


def agent_options(
    bot: Bot,
    start: Start,
    *,
    access: AgentAccess,
    folders: AgentFolders,
    stderr: Callable[[str], None],
) -> ClaudeAgentOptions:
    """Return the options for one child of *bot*.

    Nothing about a room is in them, so that a child can be started before its room is known.
    `AgentFolders.prepare` puts the files and folders in place that they name.
    """
    rules = bot.agent
    servers = _servers(bot, start, folders)
    effort, thinking = _thinking(rules.thinking)
    return ClaudeAgentOptions(
        # Nothing of the machine: no settings, hooks, CLAUDE.md, .mcp.json of the folder.
        setting_sources=[],
        strict_mcp_config=True,
        # A room's text is only text: no @file expansion, no slash command.
        verbatim_prompts=not isinstance(start, Compaction),
        extra_args=_flags(bot, start, access, folders),
        # Availability, then permission: what is not allowed is denied without asking anybody.
        tools=list(rules.tools),
        allowed_tools=[*rules.allowed_tools, *(f"mcp__{name}" for name in servers)],
        permission_mode="dontAsk",
        mcp_servers=servers,
        # Without `snapshot: False` a resumed session keeps the prompt of its first request.
        system_prompt={"type": "custom", "prompt": instructions(bot), "snapshot": False},
        model=bot.model,
        fallback_model=rules.fallback_model,
        effort=effort,
        thinking=thinking,
        max_turns=rules.max_turns,
        max_budget_usd=rules.max_budget_usd,
        include_partial_messages=True,
        max_buffer_size=_LINE_BYTES,
        user=None if other_user(bot) else rules.user,
        cwd=folders.work(bot.id, start.session_id),
        env=child_environment(bot, access, folders),
        cli_path=folders.launcher,
        stderr=stderr,
        **_session(start),
    )


def _thinking(level: str) -> tuple[Any, ThinkingConfig]:
    """Off means off: a child left to its defaults plans with 31,999 tokens of thinking."""
    if level == "off":
        return None, {"type": "disabled"}
    return level, {"type": "adaptive"}


def _servers(bot: Bot, start: Start, folders: AgentFolders) -> dict[str, Any]:
    """Load the bot's own tools; of what nobody is to keep, there are no files to be posted."""
    unkept = isinstance(start, Unkept)
    return in_process_servers(bot, None if unkept else folders.work(bot.id, start.session_id))


def _flags(
    bot: Bot, start: Start, access: AgentAccess, folders: AgentFolders
) -> dict[str, str | None]:
    flags: dict[str, str | None] = {}
    if not isinstance(start, Compaction):
        flags["disable-slash-commands"] = None
    if isinstance(start, Unkept):
        flags["no-session-persistence"] = None
    if access.api_key:
        # `--bare` boots fastest and keeps no memory, but takes an API key only: with an OAuth
        # token it is left out, and the environment keeps auto-memory off.
        flags["bare"] = None
    if bot.agent.mcp_servers:
        flags["mcp-config"] = str(folders.mcp(bot.id))
    return flags


def _session(start: Start) -> dict[str, Any]:
    if not isinstance(start, Resume | Compaction):
        return {"session_id": start.session_id}
    chosen: dict[str, Any] = {"resume": start.session_id}
    if isinstance(start, Resume) and start.orphan is not None and start.orphan.after is not None:
        chosen["resume_session_at"] = start.orphan.after
        chosen["resume_drops_turn"] = start.orphan.prompt_uuid
    return chosen
