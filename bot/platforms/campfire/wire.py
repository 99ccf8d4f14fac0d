"""The connections to Campfire, on which the head of a request leaves together with its body.

httpcore writes them one after the other, and lets everybody else run in between; on a busy loop
that is up to a millisecond for which the other side has half a request. And it is two packets.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

import httpcore
import httpx

_LIMITS: Final = httpx.Limits(max_connections=32, max_keepalive_connections=8)


@asynccontextmanager
async def open_wire() -> AsyncIterator["Wire"]:
    """Open the way to one Campfire; certificates take tens of milliseconds to read.

    They are trusted if certifi or this machine trusts them (``SSL_CERT_FILE`` works), for a
    Campfire with a private CA.
    """
    async with Wire(await asyncio.to_thread(_trusted_certificates)) as wire:
        yield wire


class Wire(httpx.AsyncHTTPTransport):
    """httpx's own transport, on streams that join what belongs together.

    A transport and no client: that would follow redirects, carry one bot's cookies to another's
    calls, and use the environment's proxies and netrc, which are there for other programs; a proxy
    would see the bot keys, which stand in the addresses.
    """

    def __init__(self, certificates: ssl.SSLContext, limits: httpx.Limits = _LIMITS) -> None:
        super().__init__(verify=certificates, limits=limits, trust_env=False)
        # httpx has no argument for it, so its version is bounded; that it works is tested.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=certificates,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=_Network(httpcore.AnyIOBackend()),
        )


class _Network(httpcore.AsyncNetworkBackend):
    """Connects as *network* does."""

    def __init__(self, network: httpcore.AsyncNetworkBackend) -> None:
        self._network = network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to *host*; raises what httpcore raises."""
        stream = await self._network.connect_tcp(host, port, timeout, local_address, socket_options)
        return Joining(stream)


class Joining(httpcore.AsyncNetworkStream):
    """Keeps the first piece of a request until the second: each has one, if only an empty one.

    What cannot be sent is noticed then. An error is httpcore's, and means what it always does.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        #: Whether a request is being written.
        self._begun = False
        self._head = b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        """Write a piece of a request."""
        if not self._begun:
            self._begun, self._head = True, buffer
            return
        head, self._head = self._head, b""
        if together := head + buffer:
            await self._stream.write(together, timeout)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        """Read what the other side says to the request that was written."""
        if self._head:
            await self.write(b"", timeout)
        self._begun = False
        return await self._stream.read(max_bytes, timeout)

    async def aclose(self) -> None:
        """Close; what is held will not be sent."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
    ) -> httpcore.AsyncNetworkStream:
        """Encrypt what follows."""
        return Joining(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> object:
        """Return what is known of the connection."""
        return self._stream.get_extra_info(info)


def _trusted_certificates() -> ssl.SSLContext:
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context
