"""Answers without a Content-Type.

Campfire posts what a bot's server answers into the room: a response that has a Content-Type,
whatever its status, becomes a message or a file there. Only one without is silent.
"""

from http import HTTPStatus

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

log = structlog.get_logger(__name__)

#: Request line and headers of one request; Campfire's take 250 bytes.
HEAD_LIMIT_BYTES = 64 * 1024

#: Routes that a person or a program of the operator's posts to, never a platform.
_ADMIN = "/admin/"
_SILENT = (b"content-type", b"content-length", b"content-encoding")
_CLOSING = b"content-length: 0\r\nconnection: close\r\n\r\n"


async def answer_bare(
    send: Send, status: int, headers: tuple[tuple[bytes, bytes], ...] = ()
) -> None:
    """Answer with *status*, no body and no Content-Type."""
    length = () if status == HTTPStatus.NO_CONTENT else ((b"content-length", b"0"),)
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
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD"} or _is_admin(scope):
            await self._app(scope, receive, send)
            return
        silent = _Silent(send)
        try:
            await self._app(scope, receive, silent)
        finally:
            if silent.status is None:  # a bug, for which uvicorn would answer with a text
                await answer_bare(silent, HTTPStatus.INTERNAL_SERVER_ERROR)
            # Nobody else says so, and whoever set the platform up waits for an answer.
            log.warning(
                "request_refused", method=scope["method"], path=scope["path"], status=silent.status
            )


def _is_admin(scope: Scope) -> bool:
    """Whether an operator may be asking: a platform shows no token."""
    shown = any(name == b"authorization" for name, _ in scope["headers"])
    return shown and bool(scope["path"].startswith(_ADMIN))


class _Silent:
    """Sends a response without its body and without the description of one."""

    def __init__(self, send: Send) -> None:
        self._send = send
        #: None until the response has begun.
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            kept = [(n, v) for n, v in message.get("headers", ()) if n.lower() not in _SILENT]
            message = {**message, "headers": [*kept, (b"content-length", b"0")]}
        elif message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)


class BareProtocol(HttpToolsProtocol):
    """uvicorn's protocol: silent about malformed HTTP too, and with a bound on headers."""

    _head_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Parse what came, and give up on headers that do not end."""
        super().data_received(data)
        # The path is known once the last header is.
        if self.scope is None or "path" in self.scope:
            self._head_bytes = 0
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_LIMIT_BYTES and not self.transport.is_closing():
            self.logger.warning("A request has more than %d bytes of headers.", HEAD_LIMIT_BYTES)
            self._close(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP at all; uvicorn has logged *msg*."""
        del msg
        self._close(HTTPStatus.BAD_REQUEST)

    def _close(self, status: HTTPStatus) -> None:
        line = f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        self.transport.write(line.encode() + _CLOSING)
        self.transport.close()
