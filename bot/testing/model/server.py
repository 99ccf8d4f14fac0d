"""The stand-in Messages API on a port of its own.

It remembers no conversation: an answer comes from the one request alone, so a client that lost
its history is answered like a stranger, and a broken resume shows.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.types import Receive, Scope, Send

from bot.testing.listener import Listener, listening, while_connected
from bot.testing.model.answer import compose, input_tokens
from bot.testing.model.behaviour import Drop, Pace
from bot.testing.model.failure import failure
from bot.testing.model.model import Model
from bot.testing.model.performance import Wire, perform
from bot.testing.model.persona import reply
from bot.testing.model.request import Request
from bot.testing.model.rules import refusal

_SECRET = frozenset({"x-api-key", "authorization", "cookie"})
#: The API's own limit on a body.
_MOST_BYTES = 32 * 2**20


class _Service:
    """The HTTP side of a `Model`."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._numbers = itertools.count(1)
        self.listener: Listener

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        http = HttpRequest(scope, receive)
        try:
            raw = await http.body()
        except ClientDisconnect:
            return
        await while_connected(receive, self._answer(http, raw, Wire(scope, receive, send)))

    async def _answer(self, http: HttpRequest, raw: bytes, wire: Wire) -> None:
        request = _recorded(http, raw)
        if request.path == "/v1/messages" and request.method == "POST":
            await self._messages(http, raw, request, wire)
            return
        self._model.record_other(request)
        match request.method, request.path:
            case "POST", "/v1/messages/count_tokens":
                await self._count(http, raw, request, wire)
            case (("HEAD" | "GET"), ("/" | "/api/hello")):
                await wire.respond(200, {"message": "hello"}, {})
            case _:
                await wire.refuse(failure(404))

    async def _messages(self, http: HttpRequest, raw: bytes, request: Request, wire: Wire) -> None:
        refused = failure(413) if len(raw) > _MOST_BYTES else refusal(http.headers, _parsed(raw))
        await self._model.record(request, refused)
        if refused is not None:
            await wire.refuse(refused)
            return
        behaviour = self._model.behaviour_for(request)
        text = reply(request) if behaviour.text is None else behaviour.text
        tool = behaviour.tool if request.tool_result is None else None
        answer = compose(request, text, tool, next(self._numbers))
        if behaviour.stop_reason is not None:
            answer = replace(answer, stop_reason=behaviour.stop_reason)
        pace = behaviour.pace or self._model.pace
        try:
            await perform(wire, answer, behaviour, pace, streaming=request.streaming)
        except Drop:
            self.listener.hang_up(wire.scope)
            await asyncio.Event().wait()  # cancelled as soon as the connection is gone

    async def _count(self, http: HttpRequest, raw: bytes, request: Request, wire: Wire) -> None:
        refused = refusal(http.headers, _parsed(raw), counting=True)
        if refused is not None:
            await wire.refuse(refused)
            return
        await wire.respond(200, {"input_tokens": input_tokens(request)}, {})


def _parsed(raw: bytes) -> Any:  # noqa: ANN401 -- any JSON may come
    """Return the JSON of a body, or None when it is none."""
    try:
        return json.loads(raw)
    except ValueError:
        return None


def _recorded(http: HttpRequest, raw: bytes) -> Request:
    body = _parsed(raw)
    return Request(
        method=http.method,
        path=http.url.path,
        headers={name: value for name, value in http.headers.items() if name not in _SECRET},
        body=body if isinstance(body, dict) else {},
    )


@asynccontextmanager
async def open_model(
    *,
    latency_s: float = 0.0,
    first_token_s: float = 0.0,
    token_s: float = 0.0,
    port: int = 0,
    keep: int = 1000,
) -> AsyncIterator[Model]:
    """Serve a stand-in model on 127.0.0.1 until the block ends; the last *keep* requests stay."""
    pace = Pace(latency_s=latency_s, first_token_s=first_token_s, token_s=token_s)
    model = Model(pace, keep=keep)
    service = _Service(model)
    async with listening(service, port=port) as listener:
        service.listener = listener
        model.url = listener.url
        yield model
