"""Campfire's bot API: the one place that speaks HTTP to it, where httpx's exceptions stop."""

import asyncio
from collections.abc import AsyncIterator, Container
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from bot.errors import ChatRefused
from bot.platforms.campfire.capability import read_version
from bot.platforms.campfire.fate import read_exception, read_failure
from bot.platforms.campfire.redaction import redact_http_log
from bot.platforms.campfire.status import Deed, message_id, read_refusal
from bot.records.file import File

TIMEOUT_S = 20.0

#: Reaching a machine takes milliseconds or never happens.
_CONNECT_TIMEOUT_S = 5.0

#: The first for whoever reads Campfire's log, the second as nearly every program says.
_AGENT = {"User-Agent": "Hearth", "Accept": "*/*"}

#: Without an explicit type Rack reads the body as a form, and "100% done" fails.
_HEADERS = {**_AGENT, "Content-Type": "text/html; charset=utf-8"}

#: Enough to empty a small body and use the connection again; the rest is nobody's business.
_READ_LIMIT_BYTES = 65_536

#: Compressed, a small answer could be a large one.
_READING_HEADERS = {**_AGENT, "Accept": "application/json", "Accept-Encoding": "identity"}

#: Of a page of 40 messages. Campfire does not limit them, and their authors rarely write books.
_PAGE_LIMIT_BYTES = 8 * 1024 * 1024

#: The client's timeout bounds each wait, and a page may come in many pieces.
READING_TIMEOUT_S = 60.0

#: What is left of the body of a closed response.
_READ = httpx.ByteStream(b"")

#: What a route or a room that is not there is answered with.
_MISSING = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What reading was answered with: a page, or that something is not there."""

    #: 200, 404 or 405.
    status: int
    #: Whether the answer names Campfire's version; see `capability`.
    routed: bool
    #: The page; None unless the status is 200.
    body: bytes | None = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """How a request that changes something was answered."""

    status: int
    #: Whether the answer names Campfire's version; see `capability`.
    routed: bool
    location: str | None


class Api:
    """The calls of the bot API. Keys come with each call.

    *timeout_s* bounds each wait of a call (for writing, reading or a connection), not all of them.
    """

    def __init__(
        self,
        base_url: str,
        wire: httpx.AsyncBaseTransport,
        *,
        timeout_s: float = TIMEOUT_S,
        reading_timeout_s: float = READING_TIMEOUT_S,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._wire = wire
        timeout = httpx.Timeout(timeout_s, connect=min(_CONNECT_TIMEOUT_S, timeout_s))
        self._extensions = {"timeout": timeout.as_dict()}
        self._reading_timeout_s = reading_timeout_s
        #: What the last answer that said so gave as Campfire's version; see `read_version`.
        self.version: str | None = None
        redact_http_log()

    async def post_message(self, *, room: str, html: str, key: str) -> str | None:
        """Post *html* and return the message's id, None when Campfire does not name it.

        Raises `ChatUnavailable`, `ChatUncertain` (after a 500 or 504 as `PostFailed`) or
        `ChatRefused`; none of them holds the key.
        """
        sent = await self.send("POST", room=room, key=key, content=html, deed=Deed.POST)
        return message_id(sent.location)

    async def post_file(self, *, room: str, file: File, key: str) -> str | None:
        """Post *file*; otherwise as `post_message`."""
        sent = await self.send("POST", room=room, key=key, content=file, deed=Deed.POST)
        return message_id(sent.location)

    async def send(
        self,
        method: str,
        *,
        room: str,
        key: str,
        deed: Deed,
        below: str = "",
        content: str | File = "",
        passing: Container[int] = (),
    ) -> Sent:
        """Send *content* to a room's messages, or *below* them; *passing* are no errors here.

        Raises as `post_message`.
        """
        try:
            messages = _messages(self._base_url, room, key)
            url = httpx.URL(f"{messages}{below}") if below else messages
            response = await self._send(method, url, content)
        except (httpx.RequestError, httpx.InvalidURL) as error:
            fault = read_exception(error, room=room, deed=deed)
        else:
            status, headers = response.status_code, response.headers
            routed = self._note_version(response)
            if response.is_success or status in passing:
                return Sent(status=status, routed=routed, location=headers.get("location"))
            now = datetime.now(UTC)
            fault = read_refusal(status, headers, url=str(url), room=room, now=now, deed=deed)
        # Out here, so that httpx's exception, whose request holds the key, is not its context.
        raise fault

    async def read_messages(
        self, *, room: str, key: str, after: str | None = None, before: str | None = None
    ) -> Answer:
        """Return a page of *room*, the newest without *after* or *before*, or what is missing.

        Raises `ChatUnavailable` or `ChatRefused`; none of them holds the key.
        """
        query = {"after": after} if after else {"before": before} if before else None
        try:
            url = _messages(self._base_url, room, key)
            async with asyncio.timeout(self._reading_timeout_s):
                response, body = await self._fetch(url, query, room=room)
        except (httpx.RequestError, httpx.InvalidURL, TimeoutError) as error:
            fault = read_failure(error, room=room)
        else:
            routed = self._note_version(response)
            if response.status_code == HTTPStatus.OK:
                return Answer(status=response.status_code, routed=routed, body=body)
            if response.status_code in _MISSING:
                return Answer(status=response.status_code, routed=routed, body=None)
            now = datetime.now(UTC)
            fault = read_refusal(
                response.status_code,
                response.headers,
                url=str(url),
                room=room,
                now=now,
                deed=Deed.READ,
            )
        raise fault

    def _note_version(self, response: httpx.Response) -> bool:
        """Keep the version that *response* names, and return whether it names one."""
        version = read_version(response.headers)
        self.version = version or self.version
        return version is not None

    async def _fetch(
        self, url: httpx.URL, query: dict[str, str] | None, *, room: str
    ) -> tuple[httpx.Response, bytes]:
        request = httpx.Request(
            "GET", url, params=query, headers=_READING_HEADERS, extensions=self._extensions
        )
        async with self._streamed(request) as response:
            if response.status_code != HTTPStatus.OK:
                await _drain(response)
                return response, b""
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _PAGE_LIMIT_BYTES:
                    raise ChatRefused(
                        f"reading room {room} brought over {_PAGE_LIMIT_BYTES >> 20} MiB for "
                        "40 messages: they are left unread"
                    )
            return response, bytes(body)

    async def _send(self, method: str, url: httpx.URL, content: str | File) -> httpx.Response:
        # The headers say everything: once they are there, a broken body changes nothing.
        request = httpx.Request(method, url, extensions=self._extensions, **_body(content))
        async with self._streamed(request) as response:
            await _drain(response)
            return response

    @asynccontextmanager
    async def _streamed(self, request: httpx.Request) -> AsyncIterator[httpx.Response]:
        """Send *request* and yield its response, whose body is still to come."""
        try:
            response = await self._wire.handle_async_request(request)
        except AttributeError as error:
            # anyio's, on uvloop, for a peer that hangs up in the moment of connecting.
            raise httpx.ConnectError("lost while it was made", request=request) from error
        try:
            yield response
        finally:
            await response.aclose()
            # Its stream knows the response, too: a circle for each call, with request and
            # connection in it, which only a search for garbage would find.
            response.stream = _READ


@lru_cache(maxsize=256)
def _messages(base_url: str, room: str, key: str) -> httpx.URL:
    """Return where the messages of *room* are: remembered, since a URL takes long to be read.

    Raises httpx.InvalidURL.
    """
    url = httpx.URL(f"{base_url}/rooms/{quote(room, safe='')}/{quote(key, safe='')}/messages")
    if not url.host:
        raise httpx.InvalidURL("it names no host")
    return url


def _body(content: str | File) -> dict[str, Any]:
    """Return HTML, or a file as a form has it, as httpx takes it."""
    if isinstance(content, File):
        attachment = (content.name, content.content, content.media_type)
        return {"files": {"attachment": attachment}, "headers": _AGENT}
    return {"content": content.encode(), "headers": _HEADERS}


async def _drain(response: httpx.Response) -> None:
    with suppress(httpx.TransportError):
        async for _ in response.aiter_raw():
            if response.num_bytes_downloaded > _READ_LIMIT_BYTES:
                break
