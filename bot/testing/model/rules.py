"""What the Messages API refuses. Pure: a body goes in, the first violation comes out."""

import base64
from collections.abc import Iterator, Mapping
from itertools import groupby, pairwise
from typing import Any

from bot.testing.model.failure import Failure, invalid

FIELDS = frozenset(
    {
        "anthropic_beta",
        "cache_control",
        "container",
        "context_management",
        "diagnostics",
        "fallbacks",
        "inference_geo",
        "max_tokens",
        "mcp_servers",
        "messages",
        "metadata",
        "model",
        "output_config",
        "output_format",
        "service_tier",
        "speed",
        "stop_sequences",
        "stream",
        "system",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
    }
)
BLOCKS = frozenset(
    {
        "compaction",
        "container_upload",
        "document",
        "image",
        "mcp_tool_result",
        "mcp_tool_use",
        "redacted_thinking",
        "search_result",
        "server_tool_use",
        "text",
        "thinking",
        "tool_reference",
        "tool_result",
        "tool_use",
        "web_fetch_tool_result",
        "web_search_tool_result",
    }
)
#: The first bytes of the images that are taken.
_IMAGES = {
    "image/gif": b"GIF8",
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/webp": b"RIFF",
}
_MOST_IMAGE_CHARACTERS = 5 * 2**20
CACHE_MARKS = 4
LEAST_THINKING = 1024

Body = Mapping[str, Any]


def refusal(headers: Mapping[str, str], body: Any, *, counting: bool = False) -> Failure | None:  # noqa: ANN401 -- any JSON may come
    """Return why the API would refuse the request, or None. *counting*: for count_tokens."""
    if not (headers.get("x-api-key") or headers.get("authorization", "").startswith("Bearer ")):
        return Failure(401, "authentication_error", "x-api-key header is required")
    if "anthropic-version" not in headers:
        return invalid("anthropic-version: header is required")
    if not isinstance(body, dict):
        return invalid("The request body is not valid JSON")
    return next((invalid(why) for why in _violations(body, counting=counting)), None)


def _violations(body: Body, *, counting: bool) -> Iterator[str]:
    """Yield in an order in which each check may rely on those before it."""
    yield from _fields(body, counting=counting)
    yield from _system(body.get("system", []))
    yield from _shape(body["messages"])
    for number, message in enumerate(body["messages"]):
        yield from _content(message["content"], where=f"messages.{number}.content")
    yield from _ends(body["messages"])
    yield from _tool_pairs(merged(body["messages"]))
    yield from _tools(body.get("tools", []))
    yield from _thinking(body)
    yield from _cache_marks(body)


def _fields(body: Body, *, counting: bool) -> Iterator[str]:
    yield from (f"{name}: Extra inputs are not permitted" for name in sorted(body.keys() - FIELDS))
    required = {"model": str, "messages": list} | ({} if counting else {"max_tokens": int})
    for name, kind in required.items():
        if name not in body:
            yield f"{name}: Field required"
        elif not isinstance(body[name], kind) or isinstance(body[name], bool):
            yield f"{name}: Input should be a valid {kind.__name__}"
    if not counting and body["max_tokens"] < 1:
        yield "max_tokens: Input should be greater than or equal to 1"
    if not body["model"].strip():
        yield "model: String should have at least 1 character"
    if not body["messages"]:
        yield "messages: at least one message is required"


def _system(system: Any) -> Iterator[str]:  # noqa: ANN401 -- a string or a list of blocks
    if not isinstance(system, str | list):
        yield "system: Input should be a valid string or list"
    elif isinstance(system, list):
        yield from _blocks(system, where="system", allowed=frozenset({"text"}))


def _shape(messages: list[Any]) -> Iterator[str]:
    for number, message in enumerate(messages):
        where = f"messages.{number}"
        if not isinstance(message, dict):
            yield f"{where}: Input should be a valid dictionary"
        elif message.get("role") not in {"user", "assistant"}:
            yield f"{where}.role: Input should be 'user' or 'assistant'"
        elif not isinstance(message.get("content"), str | list):
            yield f"{where}.content: Input should be a valid string or list"
        elif extra := sorted(message.keys() - {"role", "content"}):
            yield f"{where}.{extra[0]}: Extra inputs are not permitted"
    if messages[0]["role"] != "user":
        yield 'messages: first message must use the "user" role'


def _content(content: str | list[Any], *, where: str) -> Iterator[str]:
    if not content:
        yield f"{where}: all messages must have non-empty content"
    elif isinstance(content, str):
        yield from _text(content, where=where)
    else:
        yield from _blocks(content, where=where, allowed=BLOCKS)


def _blocks(blocks: list[Any], *, where: str, allowed: frozenset[str]) -> Iterator[str]:
    for number, block in enumerate(blocks):
        place = f"{where}.{number}"
        kind = block.get("type") if isinstance(block, dict) else None
        if kind not in allowed:
            yield f"{place}: Input tag {kind!r} does not match any of the expected tags"
        elif kind == "text":
            yield from _text(block.get("text"), where=place)
        elif kind == "image":
            yield from _image(block.get("source"), where=f"{place}.image.source")
        elif kind == "tool_result" and isinstance(block.get("content"), list):
            yield from _blocks(block["content"], where=f"{place}.content", allowed=BLOCKS)


def _image(source: Any, *, where: str) -> Iterator[str]:  # noqa: ANN401 -- any JSON may come
    """Check an image as the API does, which looks at its first bytes too."""
    if not isinstance(source, dict) or source.get("type") not in {"base64", "url", "file"}:
        yield f"{where}: Input tag does not match any of the expected tags"
    elif source["type"] == "base64":
        begins = _IMAGES.get(str(source.get("media_type")))
        if begins is None:
            yield f"{where}.base64.media_type: Input should be {', '.join(sorted(_IMAGES))}"
            return
        try:
            content = base64.b64decode(str(source.get("data")), validate=True)
        except ValueError:
            yield f"{where}.base64: invalid base64 data"
            return
        if not content.startswith(begins):
            yield f"{where}: the image appears to be no {source['media_type']}"
        elif len(str(source["data"])) > _MOST_IMAGE_CHARACTERS:
            yield f"{where}.base64: image exceeds 5 MB maximum"


def _text(text: Any, *, where: str) -> Iterator[str]:  # noqa: ANN401 -- any JSON may come
    if not isinstance(text, str):
        yield f"{where}.text: Input should be a valid string"
    elif not text:
        yield f"{where}: text content blocks must be non-empty"
    elif not text.strip():
        yield f"{where}: text content blocks must contain non-whitespace text"


def _ends(messages: list[Body]) -> Iterator[str]:
    last = messages[-1]
    if last["role"] == "assistant":
        content = last["content"]
        text = content if isinstance(content, str) else content[-1].get("text", "")
        if text != text.rstrip():
            yield "messages: final assistant content cannot end with trailing whitespace"


def merged(messages: list[Body]) -> list[tuple[str, list[Body]]]:
    """Join consecutive messages of one role, as the API does: (role, blocks) each."""
    turns: list[tuple[str, list[Body]]] = []
    for role, group in groupby(messages, key=lambda message: str(message["role"])):
        contents = [message["content"] for message in group]
        blocks = [b for c in contents for b in (c if isinstance(c, list) else [{"type": "text"}])]
        turns.append((role, blocks))
    return turns


def _tool_pairs(turns: list[tuple[str, list[Body]]]) -> Iterator[str]:
    used = [
        block.get("id") for _, blocks in turns for block in blocks if block["type"] == "tool_use"
    ]
    if len(used) != len(set(used)):
        yield "messages: `tool_use` ids must be unique"
    beginning: tuple[str, list[Body]] = ("assistant", [])
    ending: tuple[str, list[Body]] = ("user", [])
    for (_, before), (_, after) in pairwise([beginning, *turns, ending]):
        asked = {str(block.get("id")) for block in before if block["type"] == "tool_use"}
        given = {str(block.get("tool_use_id")) for block in after if block["type"] == "tool_result"}
        if missing := sorted(asked - given):
            yield f"`tool_use` ids were found without `tool_result` blocks after: {missing[0]}"
        if stray := sorted(given - asked):
            yield f"unexpected `tool_use_id` found in `tool_result` blocks: {stray[0]}"


def _tools(tools: Any) -> Iterator[str]:  # noqa: ANN401 -- any JSON may come
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        yield "tools: Input should be a valid list"
        return
    names = [tool.get("name") for tool in tools]
    if len(names) != len(set(names)):
        yield "tools: Tool names must be unique."


def _thinking(body: Body) -> Iterator[str]:
    thinking = body.get("thinking") or {"type": "disabled"}
    kind = thinking.get("type")
    if kind not in {"enabled", "disabled", "adaptive"}:
        yield f"thinking: Input tag {kind!r} does not match any of the expected tags"
    elif kind == "enabled":
        budget = thinking.get("budget_tokens")
        if not isinstance(budget, int) or budget < LEAST_THINKING:
            yield f"thinking.enabled.budget_tokens: Input should be at least {LEAST_THINKING}"
        elif budget >= body.get("max_tokens", budget + 1):
            yield "`max_tokens` must be greater than `thinking.budget_tokens`"


def _cache_marks(body: Body) -> Iterator[str]:
    contents = [message["content"] for message in body["messages"]]
    found = sum(map(_marks_in, [body.get("tools", []), body.get("system", []), *contents]))
    if found > CACHE_MARKS:
        yield (
            f"A maximum of {CACHE_MARKS} blocks with cache_control may be provided. Found {found}."
        )


def _marks_in(blocks: Any) -> int:  # noqa: ANN401 -- a string or a list of blocks
    if not isinstance(blocks, list):
        return 0
    return sum(bool(b.get("cache_control")) + _marks_in(b.get("content")) for b in blocks)
