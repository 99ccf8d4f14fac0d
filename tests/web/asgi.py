"""Requests to an ASGI application without a server, and what it answers."""

from collections.abc import Iterable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Scope

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A response as it would leave."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def is_silent(self) -> bool:
        """Whether a platform would leave its room alone."""
        return self.body == b"" and b"content-type" not in self.headers


class Exchange:
    """One request and its response."""

    def __init__(self, chunks: Iterable[bytes], *, hang_up: bool) -> None:
        self._chunks = list(chunks)
        self._hang_up = hang_up
        self._sent: list[Message] = []

    async def receive(self) -> Message:
        """Give the next chunk of the body; at its end the caller may hang up instead."""
        chunk = self._chunks.pop(0) if self._chunks else b""
        if not self._chunks and self._hang_up:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": chunk, "more_body": bool(self._chunks)}

    async def send(self, message: Message) -> None:
        """Take a part of the response."""
        self._sent.append(message)

    @property
    def answer(self) -> Answer:
        """The one response there was."""
        start, *bodies = self._sent
        assert [message["type"] for message in bodies] == ["http.response.body"] * len(bodies)
        body = b"".join(message.get("body", b"") for message in bodies)
        return Answer(status=start["status"], headers=dict(start.get("headers", ())), body=body)


def scope_of(
    path: str, method: str = "POST", *, query: bytes = b"", headers: Headers = ()
) -> Scope:
    """Describe a request."""
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query,
        "headers": list(headers),
    }


async def ask(
    app: ASGIApp,
    path: str = "/webhook/ada",
    method: str = "POST",
    *,
    chunks: Iterable[bytes] = (b"{}",),
    query: bytes = b"",
    headers: Headers = (),
    hang_up: bool = False,
) -> Answer:
    """Send a request and return the answer."""
    exchange = Exchange(chunks, hang_up=hang_up)
    scope = scope_of(path, method, query=query, headers=headers)
    await app(scope, exchange.receive, exchange.send)
    return exchange.answer
