"""An answer of the Messages API: as one JSON object, or as the events of a stream."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.testing.model.behaviour import ToolCall
from bot.testing.model.request import Request

_TOKEN = re.compile(r"\s*\S+|\s+$")
#: Characters of a token, wherever tokens are counted.
_TOKEN_LENGTH = 4

Event = dict[str, Any]


def count_tokens(value: object) -> int:
    """Return how many tokens *value* counts for; the same for the same value."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return max(1, len(text) // _TOKEN_LENGTH)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the model gives back."""

    id: str
    model: str
    content: tuple[dict[str, Any], ...]
    stop_reason: str
    input_tokens: int

    @property
    def json(self) -> dict[str, Any]:
        """The answer to a request that does not stream."""
        said = [block.get("text") or block["input"] for block in self.content]
        return self._message(list(self.content), self.stop_reason, sum(map(count_tokens, said)))

    def start(self) -> Iterator[Event]:
        """Yield the events before the first token."""
        yield {"type": "message_start", "message": self._message([], None, 1)}
        yield {"type": "ping"}

    def deltas(self) -> Iterator[tuple[Event, bool]]:
        """Yield the events of the content; the flag marks those that carry a token."""
        for index, block in enumerate(self.content):
            empty = {**block, "text": ""} if block["type"] == "text" else {**block, "input": {}}
            yield {"type": "content_block_start", "index": index, "content_block": empty}, False
            for delta in _deltas_of(block):
                yield {"type": "content_block_delta", "index": index, "delta": delta}, True
            yield {"type": "content_block_stop", "index": index}, False

    def end(self) -> Iterator[Event]:
        """Yield the events after the last token."""
        usage = {"output_tokens": self.json["usage"]["output_tokens"]}
        delta = {"stop_reason": self.stop_reason, "stop_sequence": None}
        yield {"type": "message_delta", "delta": delta, "usage": usage}
        yield {"type": "message_stop"}

    def _message(self, content: list[Any], stop_reason: str | None, tokens: int) -> dict[str, Any]:
        return {
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": None,
            "usage": {
                "input_tokens": self.input_tokens,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "output_tokens": tokens,
            },
        }


def _deltas_of(block: dict[str, Any]) -> Iterator[dict[str, str]]:
    if block["type"] == "text":
        for token in _TOKEN.findall(block["text"]):
            yield {"type": "text_delta", "text": token}
    else:
        yield {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}


def input_tokens(request: Request) -> int:
    """Return how many tokens the prompt of *request* counts for."""
    return count_tokens([request.body.get(name) for name in ("system", "tools", "messages")])


def compose(request: Request, text: str, tool: ToolCall | None, number: int) -> Answer:
    """Put an answer together. *number* tells answers to the same request apart."""
    digest = hashlib.sha256(json.dumps(request.body, sort_keys=True).encode()).hexdigest()
    unique = f"{digest[:16]}{number:04}"
    limit = request.body["max_tokens"] * _TOKEN_LENGTH
    content: tuple[dict[str, Any], ...] = ({"type": "text", "text": text[:limit]},)
    reason = "max_tokens" if len(text) > limit else "end_turn"
    if tool is not None:
        use = {"type": "tool_use", "id": f"toolu_{unique}", "name": tool.name}
        content, reason = (use | {"input": dict(tool.input)},), "tool_use"
    return Answer(
        id=f"msg_{unique}",
        model=request.body["model"],
        content=content,
        stop_reason=reason,
        input_tokens=input_tokens(request),
    )
