"""``[agent]`` of a bot file: what may think, with which tools, at what price."""

import os
import pwd
import re
from typing import Annotated

from pydantic import AfterValidator, Field

from bot.config.address import web_address
from bot.config.bot import Thinking, Transport
from bot.config.secret import Secret
from bot.config.table import LineSecret, ModelName, Table


def _tool(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) or name.startswith("mcp__"):
        raise ValueError(
            'is not the name of a built-in tool, as "WebSearch" is; '
            "tools of MCP servers go into mcp_tools",
        )
    return name


def _mcp_tool(name: str) -> str:
    if not re.fullmatch(r"mcp__[A-Za-z0-9_-]+", name):
        raise ValueError('must be "mcp__SERVER" or "mcp__SERVER__TOOL"')
    return name


def _server_name(name: str) -> str:
    if not re.fullmatch(r"(?!.*__)[A-Za-z0-9_-]{1,64}", name):
        raise ValueError(
            'is not a name for an MCP server: letters, digits, "-" and single "_", at most 64',
        )
    return name


def _other_user(name: str) -> str:
    try:
        uid = pwd.getpwnam(name).pw_uid
    except (KeyError, ValueError) as error:
        raise ValueError("is not a user of this machine: create it, or name another") from error
    if uid in {0, os.geteuid()}:
        raise ValueError("must be neither root nor the user that Hearth itself runs as")
    return name


def _entry_point(name: str) -> str:
    if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*", name):
        raise ValueError('must be "module:attribute", as in "our_tools.notes:server"')
    return name


def _variable(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError('is not the name of an environment variable: letters, digits and "_"')
    return name


def _header_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
        raise ValueError('is not the name of a header, as "Authorization" is')
    return name


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("contains a NUL character, which no argument may")
    return text


_Argument = Annotated[str, Field(max_length=10_000), AfterValidator(_without_nul)]
_Command = Annotated[str, Field(min_length=1, max_length=10_000), AfterValidator(_without_nul)]
_Variable = Annotated[str, AfterValidator(_variable)]
_HeaderName = Annotated[str, AfterValidator(_header_name)]


class McpServerTable(Table):
    """A server of tools, as the Claude Agent SDK has them."""

    type: Transport = Field("stdio", description='"stdio" (a program), "http" or "sse".')
    command: _Command | None = Field(None, description="stdio: the program.")
    args: list[_Argument] = Field([], max_length=100, description="stdio: its arguments.")
    env: dict[_Variable, Secret] = Field(
        {}, max_length=100, description="stdio: its environment; values may be secret references."
    )
    url: Annotated[str, Field(max_length=2_000), AfterValidator(web_address)] | None = Field(
        None, description="http and sse: the address."
    )
    headers: dict[_HeaderName, LineSecret] = Field(
        {}, max_length=100, description="http and sse: headers; values may be secret references."
    )


class AgentTable(Table):
    """What the agent may do and spend."""

    thinking: Thinking = Field("off", description="How much the model thinks before it answers.")
    max_turns: int = Field(20, ge=1, le=1_000, description="Most model calls in one turn.")
    max_budget_usd: float | None = Field(
        None,
        gt=0,
        le=1_000_000,
        allow_inf_nan=False,
        description="Most US dollars that one agent process may spend.",
    )
    max_output_tokens: int | None = Field(
        None, ge=1, le=1_000_000, description="Most tokens in one answer of the model."
    )
    fallback_model: ModelName | None = Field(
        None, description="Asked when the model is overloaded."
    )
    tools: list[Annotated[str, AfterValidator(_tool)]] = Field(
        [],
        max_length=100,
        description='Built-in tools, none unless listed: "WebSearch", "WebFetch"; '
        "all others need `user`.",
    )
    user: Annotated[str, AfterValidator(_other_user)] | None = Field(
        None, description="OS user that the agent's program runs as; tools for files need one."
    )
    mcp_servers: dict[Annotated[str, AfterValidator(_server_name)], McpServerTable] = Field(
        {}, max_length=50, description="Servers of tools, as the Claude Agent SDK has them."
    )
    mcp_tools: list[Annotated[str, AfterValidator(_mcp_tool)]] | None = Field(
        None,
        max_length=1_000,
        description='Tools of the MCP servers, as "mcp__notes__search"; default: all of them.',
    )
    tools_from: list[Annotated[str, AfterValidator(_entry_point)]] = Field(
        [], max_length=50, description='Tools in Python: "module:attribute" of an SDK MCP server.'
    )
