"""The schema of a bot file: ``bots.d/<bot_id>.toml``, or ``.json`` with the same keys."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, SecretStr

from bot.config.agent_table import AgentTable, McpServerTable
from bot.config.bot import Clearance, Lane, Language, Naming, Scope, WhenBusy
from bot.config.prompt import Prompt, PromptFile
from bot.config.secret import Secret
from bot.config.sentences import KeyPath
from bot.config.table import LineSecret, ModelName, Table
from bot.config.values import Duration, Lifetime, Line


def _campfire_key(key: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[0-9]+-[A-Za-z0-9]{6,}", key.get_secret_value()):
        raise ValueError(
            'is not a bot key of Campfire: a number, "-" and 12 letters or digits, such as '
            '"7-AbCdEfGhIjKl"; Campfire shows it under Account settings, Chat bots',
        )
    return key


def _person(person: str) -> str:
    if not re.fullmatch(r"[!-~]{1,100}", person):
        raise ValueError('is not the id of a person: write for example "42", in quotes')
    return person


_PersonId = Annotated[str, AfterValidator(_person)]


class SessionTable(Table):
    """What the agent remembers, and how long."""

    scope: Scope = Field(
        "room", description='"room": all see one conversation; "user": one conversation each.'
    )
    ttl: Lifetime | None = Field(
        None, description="Forgotten so long after the last turn; default: HEARTH_SESSION_TTL."
    )
    record: bool = Field(
        True,
        description="false: every turn is off the record, and nothing of it is kept.",
    )
    recap_expired: bool = Field(
        False,
        description="Whether a session that expired is recapped to the next one too; "
        "one that was lost always is.",
    )
    context_messages: int = Field(
        20,
        ge=0,
        le=200,
        description="Most messages said to others since the bot last listened that come along "
        "as context, where the platform gives them; 0 for none.",
    )
    max_context_tokens: int = Field(
        100_000,
        ge=10_000,
        le=1_000_000,
        description="A longer conversation is summed up by the agent, between two turns.",
    )


class TurnTable(Table):
    """How one turn is run."""

    timeout: Lifetime = Field(180.0, description='Longest turn, such as "3m".')
    silence: Lifetime = Field(
        60.0,
        description="Longest time in a turn without a sign of life from the agent; "
        "longer for tools that take longer.",
    )
    when_busy: WhenBusy = Field(
        "queue",
        description='What happens to messages during a turn. "queue": each has its own turn after '
        'it. "collect": what waits is answered in one turn. "steer": who asked may add to the '
        'running turn. "interrupt": who asked ends the running turn with a new message. "reject": '
        "they are told to ask again.",
    )
    lane: Lane = Field(
        "room",
        description='"room": one turn at a time among all bots of the room; '
        '"bot": this bot does not wait for the others.',
    )
    max_waiting: int = Field(
        50, ge=1, le=1_000_000, description="Most messages that wait in a room; more are told so."
    )
    max_waiting_each: int = Field(
        10, ge=1, le=1_000_000, description="Most messages of one person that wait in a room."
    )
    progress: bool = Field(
        True,
        description="Whether the room sees that a turn is under way: the answer as it grows and "
        "how it went, or else one sentence. false: nothing but the answer.",
    )
    notice_after: Duration = Field(
        15.0,
        description="Where the platform cannot show progress: when a turn that takes longer is "
        'announced in one sentence; "0s" for never.',
    )


class ReplyTable(Table):
    """What an answer looks like in the room."""

    mention: Naming = Field(
        "unclear",
        description='Whether an answer names who asked: "always", "never", or "unclear": '
        "when others have spoken in between, or several are answered at once.",
    )
    attachments: bool = Field(
        False, description="Whether files that the agent makes are posted into the room."
    )


#: For what is nobody's in particular.
_Open = Literal["anyone", "operators"]


class CommandsTable(Table):
    """Who may use the commands, such as "@Ada stop"."""

    stop: Clearance = Field(
        "asker",
        description='"anyone"; "asker": for what that person asked; or "operators".',
    )
    new: _Open = Field("anyone", description='"anyone" or "operators": begins a new session.')
    status: _Open = Field("anyone", description='"anyone" or "operators".')
    help: _Open = Field("anyone", description='"anyone" or "operators".')
    usage: _Open = Field("operators", description='"anyone" or "operators".')


class LoopsTable(Table):
    """When a conversation among bots is ended."""

    depth: int = Field(
        4, ge=1, le=100, description="Longest chain of answers to bots without a person's word."
    )
    rate: int = Field(
        20,
        ge=2,
        le=1_000,
        description="Most messages of one author to the bot in a room within a minute "
        "that are answered.",
    )


class BotFile(Table):
    """A bot of Hearth: an identity and its settings."""

    name: Annotated[Line, Field(max_length=100)] = Field(
        description="What people call the bot.", examples=["Ada"]
    )
    platform: Literal["campfire"] = Field(description="Where its rooms are.", examples=["campfire"])
    key: Annotated[Secret, AfterValidator(_campfire_key)] = Field(
        description="The platform's key of the bot.", examples=[{"env": "ADA_BOT_KEY"}]
    )
    webhook_secret: LineSecret | None = Field(
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
    language: Language = Field("en", description="Language of what the server itself says.")
    operators: list[_PersonId] = Field(
        [],
        max_length=1_000,
        description="Ids of the people who may use the commands that are for operators.",
    )
    session: SessionTable = Field(SessionTable(), description="Memory.")
    turn: TurnTable = Field(TurnTable(), description="One message to one reply.")
    reply: ReplyTable = Field(ReplyTable(), description="What an answer looks like.")
    commands: CommandsTable = Field(CommandsTable(), description="Who may use which command.")
    loops: LoopsTable = Field(LoopsTable(), description="When bots stop talking to each other.")
    agent: AgentTable = Field(AgentTable(), description="What thinks.")


#: The tables of a bot file; "*" stands for a name the operator chooses.
TABLES: dict[KeyPath, type[BaseModel]] = {
    (): BotFile,
    ("session",): SessionTable,
    ("turn",): TurnTable,
    ("reply",): ReplyTable,
    ("commands",): CommandsTable,
    ("loops",): LoopsTable,
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
