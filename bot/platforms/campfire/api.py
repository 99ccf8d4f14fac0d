"""Campfire's bot API: the one place that speaks HTTP to it, and where httpx's exceptions stop."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from enum import Enum
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import quote

import httpx

from bot.errors import ChatError, ChatRefused, ChatUnavailable, ChatUncertain
from bot.platforms.campfire.redaction import redact_http_log
from bot.platforms.campfire.status import message_id, read_refusal

TIMEOUT_S = 20.0

#: Reaching a machine takes milliseconds or never happens.
_CONNECT_TIMEOUT_S = 5.0

_LIMITS = httpx.Limits(max_connections=32, max_keepalive_connections=8)

#: Without an explicit type Rack reads the body as a form, and "100% done" fails.
_HEADERS = {"Content-Type": "text/html; charset=utf-8"}

#: Enough to empty a small body and use the connection again; the rest is nobody's business.
_READ_LIMIT_BYTES = 65_536


class Fate(Enum):
    """What an exception says of the request that met it."""

    NEVER_LEFT = "never left"
    MAY_HAVE_ARRIVED = "may have arrived"
    CANNOT_WORK = "cannot work"


#: Every exception that httpx raises for a request. Its `StreamError`s are not here: they would be
#: bugs of this module, and bugs travel to the top.
FATES: dict[type[Exception], Fate] = {
    httpx.ConnectError: Fate.NEVER_LEFT,
    httpx.ConnectTimeout: Fate.NEVER_LEFT,
    httpx.PoolTimeout: Fate.NEVER_LEFT,
    httpx.ProxyError: Fate.NEVER_LEFT,
    httpx.ReadError: Fate.MAY_HAVE_ARRIVED,
    httpx.ReadTimeout: Fate.MAY_HAVE_ARRIVED,
    httpx.WriteError: Fate.MAY_HAVE_ARRIVED,
    httpx.WriteTimeout: Fate.MAY_HAVE_ARRIVED,
    httpx.CloseError: Fate.MAY_HAVE_ARRIVED,
    httpx.RemoteProtocolError: Fate.MAY_HAVE_ARRIVED,
    httpx.DecodingError: Fate.MAY_HAVE_ARRIVED,
    httpx.UnsupportedProtocol: Fate.CANNOT_WORK,
    httpx.LocalProtocolError: Fate.CANNOT_WORK,
    httpx.TooManyRedirects: Fate.CANNOT_WORK,
    httpx.InvalidURL: Fate.CANNOT_WORK,
}


@asynccontextmanager
async def open_client(*, timeout_s: float = TIMEOUT_S) -> AsyncIterator[httpx.AsyncClient]:
    """Open a client for one Campfire; *timeout_s* bounds each wait (write, read, pool), not all.

    The environment's proxies and netrc are not used: they are there for other programs, and a
    proxy would see the bot keys, which stand in the addresses. Certificates are trusted that
    certifi or this machine trusts (``SSL_CERT_FILE`` works), for a Campfire with a private CA.
    """
    timeout = httpx.Timeout(timeout_s, connect=min(_CONNECT_TIMEOUT_S, timeout_s))
    async with httpx.AsyncClient(
        timeout=timeout,
        limits=_LIMITS,
        follow_redirects=False,
        trust_env=False,
        verify=_trusted_certificates(),
        cookies=_no_cookies(),
    ) as client:
        yield client


def _trusted_certificates() -> ssl.SSLContext:
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


def _no_cookies() -> CookieJar:
    # All bots share the client; what Campfire sets for one must not travel with another.
    return CookieJar(policy=DefaultCookiePolicy(allowed_domains=()))


class Api:
    """The calls of the bot API. Keys come with each call and are kept nowhere."""

    def __init__(self, base_url: str, client: httpx.AsyncClient) -> None:
        self._base_url = base_url.rstrip("/")
        self._client = client
        redact_http_log()

    async def post_message(self, *, room: str, html: str, key: str) -> str | None:
        """Post *html* and return the message's id, None when Campfire does not name it.

        Raises `ChatUnavailable`, `ChatUncertain` or `ChatRefused`; none of them holds the key.
        """
        url = f"{self._base_url}/rooms/{quote(room, safe='')}/{quote(key, safe='')}/messages"
        try:
            response = await self._send(url, html)
        except (httpx.RequestError, httpx.InvalidURL) as error:
            fault = read_exception(error, room=room)
        else:
            if response.is_success:
                return message_id(response.headers.get("location"))
            now = datetime.now(UTC)
            fault = read_refusal(
                response.status_code, response.headers, url=url, room=room, now=now
            )
        # Out here, so that httpx's exception, whose request holds the key, is not its context.
        raise fault

    async def _send(self, url: str, html: str) -> httpx.Response:
        # The headers say everything: once they are there, a broken body changes nothing.
        async with self._client.stream(
            "POST", url, content=html.encode(), headers=_HEADERS, follow_redirects=False
        ) as response:
            with suppress(httpx.TransportError):
                async for _ in response.aiter_raw():
                    if response.num_bytes_downloaded > _READ_LIMIT_BYTES:
                        break
            return response


def read_exception(error: Exception, *, room: str) -> ChatError:
    """Return what *error*, raised by httpx, means for a message that was to reach *room*."""
    name = type(error).__name__
    match _fate(type(error)):
        case Fate.NEVER_LEFT:
            return ChatUnavailable(
                f"Campfire cannot be reached for room {room} ({name}): "
                "is it running, and is HEARTH_CAMPFIRE_URL right?"
            )
        case Fate.MAY_HAVE_ARRIVED:
            return ChatUncertain(
                f"no answer after posting to room {room} ({name}): the message may be there"
            )
        case Fate.CANNOT_WORK:
            return ChatRefused(
                f"the request for room {room} cannot be made ({name}): check HEARTH_CAMPFIRE_URL"
            )


def _fate(kind: type[Exception]) -> Fate:
    # A kind that a newer httpx adds: the cautious reading is that the message may be there.
    return next((FATES[base] for base in kind.__mro__ if base in FATES), Fate.MAY_HAVE_ARRIVED)
