"""What no single key of a bot file can say: rules between keys, and what is only unwise.

They look at the file as it was written, so that one run tells all mistakes, whether or not the
single keys are right. Whatever has the wrong type is left to the schema.
"""

import re
from collections.abc import Iterator, Mapping

from bot.config.sentences import KeyPath, Wrong, dotted, guess, said, shown

#: They reach the web and nothing on this machine.
_HARMLESS_TOOLS = ("WebSearch", "WebFetch")
#: Known for their spelling; whatever is neither here nor above needs another user, too.
_POWERFUL_TOOLS = (
    *("Bash", "Read", "Write", "Edit", "MultiEdit", "NotebookEdit", "Glob", "Grep", "LSP"),
    *("Agent", "Task", "TaskOutput", "TaskStop", "TodoWrite", "Skill", "Monitor", "ToolSearch"),
)
_SHORT_SECRET = 16
_SECRET_NAME = re.compile(r"authorization|token|key|secret|password", re.IGNORECASE)

#: By the type of an MCP server, the key it cannot be without; by that, the keys of the other kind.
_NEEDED = {"stdio": "command", "sse": "url", "http": "url"}
_FOREIGN = {"command": ("url", "headers"), "url": ("command", "args", "env")}

Table = Mapping[str, object]


def contradictions(raw: Table) -> Iterator[Wrong]:
    """Find the keys that do not go together."""
    yield from _one_prompt(raw)
    agent = _table(raw, "agent")
    yield from _fallback(raw, agent)
    yield from _tools(agent)
    servers = _table(agent, "mcp_servers")
    for name in servers:
        yield from _server(name, _table(servers, name))
    yield from _mcp_tools(agent, servers)


def cautions(raw: Table, bot_id: str) -> Iterator[Wrong]:
    """Find what works and is unwise."""
    variable = bot_id.upper().replace("-", "_")
    for key, name in (("key", f"{variable}_BOT_KEY"), ("webhook_secret", f"{variable}_SECRET")):
        secret = raw.get(key)
        if isinstance(secret, str):
            yield Wrong(path=(key,), what=_written(key, name))
    secret = raw.get("webhook_secret")
    if isinstance(secret, str) and len(secret) < _SHORT_SECRET:
        what = f"webhook_secret is easy to guess: take {_SHORT_SECRET} characters or more"
        yield Wrong(path=("webhook_secret",), what=what)
    yield from _written_mcp_secrets(_table(_table(raw, "agent"), "mcp_servers"))


def _table(parent: Table, name: str) -> Table:
    table = parent.get(name)
    return table if isinstance(table, dict) else {}


def _strings(table: Table, name: str) -> Iterator[tuple[int, str]]:
    entries = table.get(name)
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, str):
            yield index, entry


def _one_prompt(raw: Table) -> Iterator[Wrong]:
    match "system_prompt" in raw, "system_prompt_file" in raw:
        case False, False:
            what = (
                'system_prompt is missing: say who the bot is, with system_prompt = "You are …" '
                'or system_prompt_file = "….md"'
            )
            yield Wrong(path=("system_prompt",), what=what)
        case True, True:
            what = "system_prompt_file and system_prompt exclude each other: keep one of them"
            yield Wrong(path=("system_prompt_file",), what=what)


def _fallback(raw: Table, agent: Table) -> Iterator[Wrong]:
    fallback = agent.get("fallback_model")
    if isinstance(fallback, str) and fallback == raw.get("model"):
        path = ("agent", "fallback_model")
        rule = "is the model itself: name another one, or leave it out"
        yield Wrong(path=path, what=said(path, fallback, rule, secret=False))


def _tools(agent: Table) -> Iterator[Wrong]:
    known = _HARMLESS_TOOLS + _POWERFUL_TOOLS
    for index, tool in _strings(agent, "tools"):
        path: KeyPath = ("agent", "tools", index)
        suggestion = "" if tool in known else guess(tool, known)
        if suggestion:
            rule = f"is not a tool{suggestion}"
        elif tool not in _HARMLESS_TOOLS and "user" not in agent:
            rule = (
                "may reach files or commands, so the agent must run as another user: "
                'add user = "…" under [agent], or leave the tool out'
            )
        else:
            continue
        yield Wrong(path=path, what=said(path, tool, rule, secret=False))


def _server(name: str, server: Table) -> Iterator[Wrong]:
    path: KeyPath = ("agent", "mcp_servers", name)
    if "type" not in server and "url" in server and "command" not in server:
        what = f'{dotted((*path, "type"))} is missing: with url, add type = "http" or type = "sse"'
        yield Wrong(path=(*path, "type"), what=what)
        return
    transport = server.get("type", "stdio")
    needed = _NEEDED.get(transport) if isinstance(transport, str) else None
    if needed is None:
        return
    if needed not in server:
        what = f"{dotted((*path, needed))} is missing: type = {shown(transport)} needs it"
        yield Wrong(path=(*path, needed), what=what)
    for key in _FOREIGN[needed]:
        if key in server:
            what = f"{dotted((*path, key))} does not go with type = {shown(transport)}: remove it"
            yield Wrong(path=(*path, key), what=what)


def _mcp_tools(agent: Table, servers: Table) -> Iterator[Wrong]:
    if agent.get("tools_from"):  # the servers of these are known once they are imported
        return
    for index, tool in _strings(agent, "mcp_tools"):
        server = tool.removeprefix("mcp__").partition("__")[0]
        if tool.startswith("mcp__") and server not in servers:
            rule = f"is of no server listed under [agent.mcp_servers]{guess(server, servers)}"
            what = said(("agent", "mcp_tools", index), tool, rule, secret=False)
            yield Wrong(path=("agent", "mcp_tools", index), what=what)


def _written_mcp_secrets(servers: Table) -> Iterator[Wrong]:
    for name in servers:
        for table in ("env", "headers"):
            for key, secret in _table(_table(servers, name), table).items():
                if isinstance(secret, str) and _SECRET_NAME.search(key):
                    path: KeyPath = ("agent", "mcp_servers", name, table, key)
                    yield Wrong(path=path, what=_written(dotted(path), "…"))


def _written(key: str, variable: str) -> str:
    return f'{key} is written into the file: better keep it out, with {{ env = "{variable}" }}'
