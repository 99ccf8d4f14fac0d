"""The schema of a bot file: ``bots.d/<bot_id>.toml``, or ``.json`` with the same keys."""

import os
import pwd
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from bot.config.address import web_address
from bot.config.bot import Lane, Scope, Thinking, Transport, WhenBusy
from bot.config.prompt import Prompt, PromptFile
from bot.config.secret import Secret
from bot.config.sentences import KeyPath
from bot.config.values import Lifetime, Line


def _model(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:@/\[\]-]*", name):
        raise ValueError('is not the name of a model: write for example "claude-sonnet-4-5"')
    return name


def _built(mode: WhenBusy) -> WhenBusy:
    if mode != "queue":
        raise ValueError('is not supported yet: write "queue", or leave it out')
    return mode


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


def _campfire_key(key: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[0-9]+-[A-Za-z0-9]{6,}", key.get_secret_value()):
        raise ValueError(
            'is not a bot key of Campfire: a number, "-" and 12 letters or digits, such as '
            '"7-AbCdEfGhIjKl"; Campfire shows it under Account settings, Chat bots',
        )
    return key


def _one_line(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().isprintable():
        raise ValueError("must be one line of printable text")
    return secret


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


ModelName = Annotated[str, Field(max_length=200), AfterValidator(_model)]
_Argument = Annotated[str, Field(max_length=10_000), AfterValidator(_without_nul)]
_Command = Annotated[str, Field(min_length=1, max_length=10_000), AfterValidator(_without_nul)]
_LineSecret = Annotated[Secret, AfterValidator(_one_line)]
_Variable = Annotated[str, AfterValidator(_variable)]
_HeaderName = Annotated[str, AfterValidator(_header_name)]


class _Table(BaseModel):
    # Strict: TOML has types, and max_turns = "20" is a slip that should not pass in silence.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class SessionTable(_Table):
    """Whose memory a session is, and how long it lasts."""

    scope: Scope = Field(
        "room", description='"room": all see one conversation; "user": one conversation each.'
    )
    ttl: Lifetime | None = Field(
        None, description="Forgotten so long after the last turn; default: HEARTH_SESSION_TTL."
    )


class TurnTable(_Table):
    """How one turn is run."""

    timeout: Lifetime = Field(180.0, description='Longest turn, such as "3m".')
    silence: Lifetime = Field(
        60.0,
        description="Longest time in a turn without a sign of life from the agent; "
        "longer for tools that take longer.",
    )
    when_busy: Annotated[WhenBusy, AfterValidator(_built)] = Field(
        "queue", description='What happens to messages during a turn; only "queue" so far.'
    )
    lane: Lane = Field(
        "room",
        description='"room": one turn at a time among all bots of the room; '
        '"bot": this bot does not wait for the others.',
    )


class McpServerTable(_Table):
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
    headers: dict[_HeaderName, _LineSecret] = Field(
        {}, max_length=100, description="http and sse: headers; values may be secret references."
    )


class AgentTable(_Table):
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


class BotFile(_Table):
    """A bot of Hearth: an identity and its settings."""

    name: Annotated[Line, Field(max_length=100)] = Field(
        description="What people call the bot.", examples=["Ada"]
    )
    platform: Literal["campfire"] = Field(description="Where its rooms are.", examples=["campfire"])
    key: Annotated[Secret, AfterValidator(_campfire_key)] = Field(
        description="The platform's key of the bot.", examples=[{"env": "ADA_BOT_KEY"}]
    )
    webhook_secret: _LineSecret | None = Field(
        None,
        description="Expected as ?secret=… in the webhook's address, for payloads without a key.",
    )
    model: ModelName = Field(description="The model.", examples=["claude-sonnet-4-5"])
    system_prompt: Prompt | None = Field(
        None, description="Who the bot is and how it behaves. Either this or system_prompt_file."
    )
    system_prompt_file: PromptFile | None = Field(
        None, description="A file with the prompt, in the folder of the bot files."
    )
    session: SessionTable = Field(SessionTable(), description="Memory.")
    turn: TurnTable = Field(TurnTable(), description="One message to one reply.")
    agent: AgentTable = Field(AgentTable(), description="What thinks.")


#: The tables of a bot file; "*" stands for a name the operator chooses.
TABLES: dict[KeyPath, type[BaseModel]] = {
    (): BotFile,
    ("session",): SessionTable,
    ("turn",): TurnTable,
    ("agent",): AgentTable,
    ("agent", "mcp_servers", "*"): McpServerTable,
}


def bot_file_schema() -> dict[str, Any]:
    """Give the JSON Schema of a bot file, for editors (taplo, VS Code)."""
    schema = BotFile.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Bot of Hearth",
        "oneOf": [{"required": ["system_prompt"]}, {"required": ["system_prompt_file"]}],
    }
