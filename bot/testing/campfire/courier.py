"""Sends a webhook request over a connection of its own, and reads the answer like Net::HTTP."""

import asyncio
import ssl
import zlib
from dataclasses import dataclass
from urllib.parse import urlsplit

import h11

_CHUNK_BYTES = 65536


class Unreachable(Exception):
    """No connection, or it broke before the answer was complete."""


class BadAnswer(Exception):
    """What came back is not HTTP."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An HTTP response."""

    status: int
    #: The header as it came; None when there was none.
    content_type: str | None
    #: With the content encoding undone.
    body: bytes


async def deliver(url: str, request: bytes, *, timeout_s: float) -> Answer:
    """Send *request* to the host of *url*. Raises TimeoutError, `Unreachable` or `BadAnswer`.

    The time counts for opening and for each read, as in Campfire, not for the whole.
    """
    parts = urlsplit(url)
    secure = ssl.create_default_context() if parts.scheme == "https" else None
    port = parts.port or (443 if secure else 80)
    try:
        async with asyncio.timeout(timeout_s):
            streams = await asyncio.open_connection(parts.hostname, port, ssl=secure)
    except (OSError, ssl.SSLError) as error:
        if isinstance(error, TimeoutError):
            raise
        raise Unreachable(str(error)) from error
    reader, writer = streams
    try:
        writer.write(request)
        return await _read(reader, timeout_s)
    except ConnectionError as error:
        raise Unreachable(str(error)) from error
    except h11.RemoteProtocolError as error:
        raise BadAnswer(str(error)) from error
    finally:
        writer.close()


async def _read(reader: asyncio.StreamReader, timeout_s: float) -> Answer:
    parser = _expecting_answer()
    head: h11.Response | None = None
    body = bytearray()
    while True:
        event = parser.next_event()
        match event:
            case h11.NEED_DATA:
                async with asyncio.timeout(timeout_s):
                    parser.receive_data(await reader.read(_CHUNK_BYTES))
            case h11.Response():
                head = event
            case h11.Data():
                body += event.data
            case h11.EndOfMessage() if head is not None:
                return _answer(head, bytes(body))
            case h11.ConnectionClosed():
                raise Unreachable("the connection was closed without an answer")


def _expecting_answer() -> h11.Connection:
    """Return a parser in the state in which a request has been sent."""
    parser = h11.Connection(h11.CLIENT)
    parser.send(h11.Request(method="POST", target="/", headers=[("Host", "webhook")]))
    parser.send(h11.EndOfMessage())
    return parser


def _answer(head: h11.Response, body: bytes) -> Answer:
    headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
    encoding = headers.get("content-encoding", "identity")
    if body and encoding in {"gzip", "x-gzip", "deflate"}:
        body = zlib.decompress(body, zlib.MAX_WBITS | 32)
    return Answer(
        status=head.status_code,
        content_type=headers.get("content-type"),
        body=body,
    )
