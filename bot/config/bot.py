"""A bot as the server uses it: checked, with its secrets looked up. Frozen throughout."""

import dataclasses
import hmac
import json
from dataclasses import dataclass, field
from typing import Literal

from bot.records import Credentials

Scope = Literal["room", "user"]
WhenBusy = Literal["queue", "collect", "steer", "interrupt", "reject"]
Lane = Literal["room", "bot"]
Thinking = Literal["off", "low", "medium", "high"]
#: What an answer says of who asked; see `ReplyRules`.
Naming = Literal["always", "unclear", "never"]
#: Who may use a command.
Clearance = Literal["anyone", "asker", "operators"]
#: The catalogues of what the server says.
Language = Literal["en", "de", "fr", "es", "zh"]
Transport = Literal["stdio", "sse", "http"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionRules:
    """Whose memory a session is, and how long it lasts."""

    #: "room": all see one conversation; "user": one each.
    scope: Scope
    #: Seconds from the end of the last turn.
    ttl_s: float
    #: False: every turn is off the record.
    record: bool = True
    #: Whether a session that expired is recapped, as one that was lost always is.
    recap_expired: bool = False
    #: Most messages to others since the bot's last answer that come along as context.
    context_messages: int = 20
    #: A longer conversation is compacted between turns.
    max_context_tokens: int = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnRules:
    """How one turn is run, and what happens to messages that arrive meanwhile."""

    timeout_s: float
    when_busy: WhenBusy
    #: "room": one turn at a time among all bots of the room; "bot": this bot has its own lane.
    lane: Lane
    #: Seconds without a sign of life from the agent, after which a turn is given up.
    silence_s: float = 60.0
    #: Most messages that wait in a lane, and of one person in it.
    max_waiting: int = 50
    max_waiting_each: int = 10
    #: Whether the room sees that the turn is under way, where the platform can show it.
    progress: bool = True
    #: Where it cannot: seconds after which one sentence says so; 0 for never.
    notice_after_s: float = 15.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplyRules:
    """What an answer looks like in the room."""

    #: Whether it names who asked; "unclear": when one cannot see whom it answers.
    mention: Naming = "unclear"
    #: Whether files that the agent makes are posted.
    attachments: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandRules:
    """Who may use which command."""

    stop: Clearance = "asker"
    new: Clearance = "anyone"
    status: Clearance = "anyone"
    help: Clearance = "anyone"
    usage: Clearance = "operators"
    #: The platform's ids of the people who are operators.
    operators: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopRules:
    """When a conversation among bots is ended."""

    #: Longest chain of answers to bots without a person's word.
    depth: int = 4
    #: Most messages of one author in a room within a minute that are answered.
    rate: int = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class McpServer:
    """A server of tools, as the SDK's `mcp_servers` option takes it."""

    #: The tools of it are called ``mcp__{name}__{tool}``.
    name: str
    transport: Transport
    #: For stdio; None otherwise.
    command: str | None = None
    #: Hidden, like all that follows: people put tokens there.
    args: tuple[str, ...] = field(default=(), repr=False)
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    #: For sse and http; None otherwise.
    url: str | None = field(default=None, repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def as_option(self) -> dict[str, object]:
        """Give the entry for the SDK's option. It holds secrets in the clear."""
        if self.transport == "stdio":
            rest = {"command": self.command, "args": list(self.args), "env": dict(self.env)}
        else:
            rest = {"url": self.url, "headers": dict(self.headers)}
        return {"type": self.transport, **rest}


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentRules:
    """What the agent may do and spend."""

    thinking: Thinking
    #: Model calls in one turn.
    max_turns: int
    #: US dollars per child process; None is no limit.
    max_budget_usd: float | None
    #: Tokens in one answer of the model; None leaves it to the model.
    max_output_tokens: int | None
    fallback_model: str | None
    #: Built-in tools; none of the others is available.
    tools: tuple[str, ...]
    #: Name of the OS user that the child runs as; None is the server's own.
    user: str | None
    mcp_servers: tuple[McpServer, ...]
    #: ``mcp__{server}`` or ``mcp__{server}__{tool}``; None allows all tools of the listed servers.
    mcp_tools: tuple[str, ...] | None
    #: ``module:attribute`` of in-process tools, imported by the agent stage.
    tools_from: tuple[str, ...]

    @property
    def allowed_tools(self) -> tuple[str, ...]:
        """What the SDK's `allowed_tools` takes, in-process tools not counted."""
        every = tuple(f"mcp__{server.name}" for server in self.mcp_servers)
        return self.tools + (every if self.mcp_tools is None else self.mcp_tools)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bot:
    """An identity and its settings: what one file in ``bots.d/`` says."""

    #: The file's name without its ending.
    id: str
    #: What people call it.
    name: str
    #: The platform's name: "campfire".
    platform: str
    credentials: Credentials
    model: str
    system_prompt: str = field(repr=False)
    session: SessionRules
    turn: TurnRules
    agent: AgentRules
    reply: ReplyRules = ReplyRules()
    commands: CommandRules = CommandRules()
    loops: LoopRules = LoopRules()
    #: Of what the server itself says in the room.
    language: Language = "en"

    @property
    def has_tools(self) -> bool:
        """Whether the agent can do more than talk."""
        lists = (self.agent.tools, self.agent.mcp_servers, self.agent.tools_from)
        return any(lists) or self.reply.attachments

    @property
    def digest(self) -> str:
        """A fingerprint of all that shapes the agent's options, secrets included.

        Two bots with one digest can share a spare; a conversation with another digest is of an
        older version. It is keyed with the bot's key, so that nobody who reads it can try out
        short secrets; hence a new key gives a new digest.
        """
        agent = dataclasses.asdict(self.agent) | {"attachments": self.reply.attachments}
        shape = [self.id, self.name, self.model, self.system_prompt, agent]
        written = json.dumps(shape, sort_keys=True).encode()
        return hmac.digest(self.credentials.key.encode(), written, "sha256").hex()
