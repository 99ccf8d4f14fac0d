"""Answers without a Content-Type.

Campfire posts what a bot's server answers into the room: a response that has a Content-Type,
whatever its status, becomes a message or a file there. Only one without is silent.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Routes that a person or a program of the operator's posts to, never a platform.
_ADMIN = "/admin/"
_SILENT = (b"content-type", b"content-length", b"content-encoding")


async def answer_bare(
    send: Send, status: int, headers: tuple[tuple[bytes, bytes], ...] = ()
) -> None:
    """Answer with *status*, no body and no Content-Type."""
    length = () if status == 204 else ((b"content-length", b"0"),)  # noqa: PLR2004 - 204 has no body to measure
    await send({"type": "http.response.start", "status": status, "headers": [*length, *headers]})
    await send({"type": "http.response.body", "body": b""})


class Bare:
    """Wraps the pages: what is not a GET gets the status and nothing else.

    A platform may be pointed at the wrong path; its POST must stay silent there too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may carry a body."""
        reading = scope["type"] != "http" or scope["method"] in ("GET", "HEAD")
        if reading or scope["path"].startswith(_ADMIN):
            await self._app(scope, receive, send)
        else:
            await self._app(scope, receive, _silenced(send))


def _silenced(send: Send) -> Send:
    """Take the body and its description out of a response."""

    async def silent(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(n, v) for n, v in message.get("headers", ()) if n.lower() not in _SILENT]
            message = {**message, "headers": [*kept, (b"content-length", b"0")]}
        elif message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return silent


class BareProtocol(HttpToolsProtocol):
    """uvicorn's protocol, whose own answer to malformed HTTP is not silent."""

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP at all."""
        self.logger.debug(msg)
        self.transport.write(
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        )
        self.transport.close()
