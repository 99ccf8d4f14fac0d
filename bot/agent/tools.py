"""In-process tools that a bot file names as ``module:attribute``."""

import importlib
from pathlib import Path
from typing import Any

from claude_agent_sdk import SdkMcpTool, create_sdk_mcp_server

from bot.agent.attaching import attach_file
from bot.config.bot import Bot
from bot.errors import AgentMissing

#: The one MCP server under which a bot's in-process tools appear: ``mcp__hearth__<tool>``.
SERVER = "hearth"
#: What a module of the operator's may raise while it is imported: a mistake of theirs.
_BROKEN_MODULE = (
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)


def in_process_servers(bot: Bot, work: Path | None) -> dict[str, Any]:
    """Return the SDK's server for the bot's own tools, or nothing when it has none.

    *work* is where files to be posted are made; None: none are. Raises AgentMissing when a module,
    an attribute or the ``@tool`` decoration is not there.
    """
    tools = [_load(bot, path) for path in bot.agent.tools_from]
    if bot.reply.attachments and work is not None:
        tools.append(attach_file(work))
    return {SERVER: create_sdk_mcp_server(SERVER, tools=tools)} if tools else {}


def _load(bot: Bot, path: str) -> "SdkMcpTool[Any]":
    module, _, attribute = path.partition(":")
    try:
        tool = getattr(importlib.import_module(module), attribute)
    except _BROKEN_MODULE as error:
        raise AgentMissing(
            f'bot {bot.id}: tools_from "{path}" cannot be loaded: {type(error).__name__}: {error}'
        ) from error
    if not isinstance(tool, SdkMcpTool):
        raise AgentMissing(
            f'bot {bot.id}: tools_from "{path}" is not a tool of the SDK;'
            " decorate the function with claude_agent_sdk.tool"
        )
    return tool
