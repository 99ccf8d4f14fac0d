"""From the content of a file to a `Bot`, or to everything that is wrong with it."""

from collections.abc import Iterator, Mapping

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails

from bot.config.agent_table import AgentTable, McpServerTable
from bot.config.bot import (
    AgentRules,
    Bot,
    CommandRules,
    LoopRules,
    McpServer,
    ReplyRules,
    SessionRules,
    TurnRules,
)
from bot.config.bot_file import TABLES, BotFile, SessionTable, TurnTable
from bot.config.rules import contradictions
from bot.config.secret import Surroundings
from bot.config.sentences import KeyPath, Wrong, dotted, guess, predicate_of, said, shown
from bot.config.settings import Settings
from bot.records import Credentials

_SECRET = {"key", "webhook_secret"}
#: What is wrong with every bot of Campfire while that has no address.
NO_ADDRESS = Wrong(
    path=("platform",),
    what='platform = "campfire" needs the address of your Campfire: '
    "set HEARTH_CAMPFIRE_URL, such as https://chat.example.com",
)
#: Too long to be repeated in a sentence.
_LONG = {"system_prompt"}


def resolve(
    raw: Mapping[str, object], *, bot_id: str, surroundings: Surroundings, settings: Settings
) -> Bot | tuple[Wrong, ...]:
    """Check *raw* and look up its secrets, prompt and user. Gives the bot or all mistakes."""
    wrong = list(contradictions(raw))
    if raw.get("platform") == "campfire" and settings.campfire_url is None:
        wrong.append(NO_ADDRESS)
    try:
        bot_file = BotFile.model_validate(raw, context=surroundings)
    except ValidationError as error:
        wrong += [_wrong(details) for details in error.errors(include_url=False)]
        return tuple(wrong)
    return tuple(wrong) or _bot(bot_file, bot_id, settings)


def _bot(bot_file: BotFile, bot_id: str, settings: Settings) -> Bot:
    secret = bot_file.webhook_secret
    return Bot(
        id=bot_id,
        name=bot_file.name,
        platform=bot_file.platform,
        credentials=Credentials(
            bot=bot_id,
            key=bot_file.key.get_secret_value(),
            webhook_secret=secret.get_secret_value() if secret else None,
        ),
        model=bot_file.model,
        system_prompt=bot_file.system_prompt or bot_file.system_prompt_file or "",
        session=_session(bot_file.session, settings),
        turn=_turn(bot_file.turn),
        agent=_agent(bot_file.agent),
        reply=ReplyRules(**bot_file.reply.model_dump()),
        commands=CommandRules(
            **bot_file.commands.model_dump(), operators=frozenset(bot_file.operators)
        ),
        loops=LoopRules(**bot_file.loops.model_dump()),
        language=bot_file.language,
    )


def _session(session: SessionTable, settings: Settings) -> SessionRules:
    return SessionRules(
        scope=session.scope,
        ttl_s=session.ttl or settings.session_ttl_s,
        record=session.record,
        recap_expired=session.recap_expired,
        context_messages=session.context_messages,
        max_context_tokens=session.max_context_tokens,
    )


def _turn(turn: TurnTable) -> TurnRules:
    return TurnRules(
        timeout_s=turn.timeout,
        when_busy=turn.when_busy,
        lane=turn.lane,
        silence_s=turn.silence,
        max_waiting=turn.max_waiting,
        max_waiting_each=turn.max_waiting_each,
        progress=turn.progress,
        notice_after_s=turn.notice_after,
    )


def _agent(agent: AgentTable) -> AgentRules:
    return AgentRules(
        thinking=agent.thinking,
        max_turns=agent.max_turns,
        max_budget_usd=agent.max_budget_usd,
        max_output_tokens=agent.max_output_tokens,
        fallback_model=agent.fallback_model,
        tools=tuple(dict.fromkeys(agent.tools)),
        user=agent.user,
        mcp_servers=tuple(_server(name, server) for name, server in agent.mcp_servers.items()),
        mcp_tools=None if agent.mcp_tools is None else tuple(agent.mcp_tools),
        tools_from=tuple(agent.tools_from),
    )


def _server(name: str, server: McpServerTable) -> McpServer:
    return McpServer(
        name=name,
        transport=server.type,
        command=server.command,
        args=tuple(server.args),
        env=tuple(_revealed(server.env)),
        url=server.url,
        headers=tuple(_revealed(server.headers)),
    )


def _revealed(secrets: Mapping[str, SecretStr]) -> Iterator[tuple[str, str]]:
    for name, secret in sorted(secrets.items()):
        yield name, secret.get_secret_value()


def _wrong(details: ErrorDetails) -> Wrong:
    path: KeyPath = details["loc"]
    match details["type"]:
        case "extra_forbidden":
            what = _unknown_key(path)
        case "missing":
            what = _missing_key(path)
        case _ if path[-1] == "[key]":  # pydantic's mark for a name that the operator chose
            path = path[:-1]
            what = f"{dotted(path)} {predicate_of(details)}"
        case _:
            what = said(path, details["input"], predicate_of(details), secret=_is_hidden(path))
    return Wrong(path=path, what=what)


def _is_hidden(path: KeyPath) -> bool:
    # Everything in an MCP server but its type may hold a token: people put them into arguments.
    in_server = path[:2] == ("agent", "mcp_servers") and path[3:] != ("type",)
    return in_server or path[0] in _SECRET | _LONG


def _known_keys(table: KeyPath) -> list[str]:
    pattern = (*table[:2], "*") if table[:2] == ("agent", "mcp_servers") else table
    return list(TABLES[pattern].model_fields)


def _unknown_key(path: KeyPath) -> str:
    table, key = path[:-1], str(path[-1])
    known = _known_keys(table)
    here = f" in [{dotted(table)}]" if table else ""
    cure = _home_of(key, table) or guess(key, known) or f"; known are {', '.join(known)}"
    return f"unknown key {shown(key)}{here}{cure}"


def _home_of(key: str, table: KeyPath) -> str:
    """Say where a key belongs that stands in the wrong table, the commonest slip in TOML."""
    for home, model in TABLES.items():
        if key in model.model_fields and home != table and "*" not in home:
            place = f"under [{dotted(home)}]" if home else "above the first [table]"
            return f" (it belongs {place})"
    return ""


def _missing_key(path: KeyPath) -> str:
    examples = TABLES[path[:-1]].model_fields[str(path[-1])].examples or []
    return f"{dotted(path)} is missing: add for example {path[-1]} = {_toml(examples[0])}"


def _toml(example: object) -> str:
    if isinstance(example, dict):
        return "{ " + ", ".join(f"{key} = {_toml(value)}" for key, value in example.items()) + " }"
    return shown(example)
