"""The short way of a delivery: past ASGI, without a task and without a description of the request.

It is for the plain case, which nearly every delivery is; whatever is unusual about a request takes
uvicorn's way through the application, to the same end.
"""

import asyncio
from functools import cache, lru_cache, partial
from http import HTTPStatus
from typing import Any, Final, Protocol

from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.utils import get_local_addr, get_remote_addr
from uvicorn.server import ServerState

from bot.web.bare import BareProtocol
from bot.web.webhook import PREFIX, Respond

_PREFIX: Final = PREFIX.encode()
#: What a plain request does not have: each asks for more than reading a body of known length.
_UNUSUAL: Final = frozenset((b"transfer-encoding", b"expect", b"upgrade"))
#: Bytes of a plain address, and so many of them are remembered; they are few.
_MOST_ADDRESS: Final = 256
_MOST_ADDRESSES: Final = 256


class Deliveries(Protocol):
    """Who takes deliveries; see `Webhook`."""

    def take(self, bot_id: str, query: bytes, body: bytes, respond: Respond) -> None:
        """Take a delivery, and call *respond* once with what became of it."""
        ...

    def lose(self, bot_id: str) -> None:
        """Take note of a delivery whose caller went away before its body was complete."""
        ...


class Shortcut(BareProtocol):
    """The protocol of a server that takes deliveries."""

    def __init__(
        self,
        deliveries: Deliveries,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._deliveries = deliveries
        #: The delivery whose body is being read.
        self._reading: _Delivery | None = None
        #: Since when nothing has come on a kept connection; None while something has.
        self._rests_since: float | None = None
        #: When that is looked at.
        self._alarm: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Begin as uvicorn does, but ask for no address: most requests are not described."""
        self.connections.add(self)
        self.transport = transport
        self.flow = FlowControl(transport)
        self.scheme = "http"

    def on_headers_complete(self) -> None:
        """Take the short way, if it is open to this request."""
        plain = len(self.url) <= _MOST_ADDRESS and self.parser.get_method() == b"POST"
        address = _read_address(self.url) if plain else None
        if address is None or not self._is_plain():
            self._describe()
            super().on_headers_complete()
            return
        self.scope["path"] = PREFIX  # which says that the headers are complete
        self._reading = _Delivery(*address, keep_alive=self.parser.should_keep_alive())
        self.cycle = self._reading  # type: ignore[assignment] # as far as uvicorn looks at it

    def _describe(self) -> None:
        """Add to the scope what `connection_made` has left out."""
        self.scope["server"] = self.server = get_local_addr(self.transport)
        self.scope["client"] = self.client = get_remote_addr(self.transport)

    def _is_plain(self) -> bool:
        headers = dict(self.headers)
        length = headers.get(b"content-length")
        return (
            length is not None
            and int(length) <= HIGH_WATER_LIMIT
            and _UNUSUAL.isdisjoint(headers)
            and self.parser.get_http_version() == "1.1"
            and (self.cycle is None or self.cycle.response_complete)  # else it waits for its turn
            and not (self.flow.write_paused or self.transport.is_closing())
        )

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        if self._reading is None:
            super().on_body(body)
        else:
            self._reading.pieces.append(body)

    def on_message_complete(self) -> None:
        """Have the delivery taken, outside the parser: that would call a bug bad HTTP."""
        if self._reading is None:
            super().on_message_complete()
        else:
            delivery, self._reading = self._reading, None
            self.loop.call_soon(self._take, delivery)

    def _take(self, delivery: "_Delivery") -> None:
        body = b"".join(delivery.pieces)
        respond = partial(self._respond, delivery)
        self._deliveries.take(delivery.bot_id, delivery.query, body, respond)

    def _respond(self, delivery: "_Delivery", status: HTTPStatus) -> None:
        """Answer with *status* and nothing else, and be ready for the next request."""
        delivery.response_complete = True
        if delivery.disconnected:
            return
        self.transport.write(_heads(status)[delivery.keep_alive])
        if delivery.keep_alive and not self.pipeline:
            self._rest()
            return
        if not delivery.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _rest(self) -> None:
        """Wait for a next request, as `on_response_complete` does with a timer for each."""
        self.server_state.total_requests += 1
        self._rests_since = self.loop.time()
        if self._alarm is None:
            self._alarm = self.loop.call_later(self.timeout_keep_alive, self._look)

    def _look(self) -> None:
        """Close a connection that has rested for too long, or come back when it will have."""
        self._alarm = None
        if self._rests_since is not None:  # else its next rest is waited for
            left_s = self._rests_since + self.timeout_keep_alive - self.loop.time()
            if left_s > 0:
                self._alarm = self.loop.call_later(left_s, self._look)
            else:
                self.timeout_keep_alive_handler()

    def _unset_keepalive_if_required(self) -> None:
        """Take note that something has come."""
        super()._unset_keepalive_if_required()
        self._rests_since = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Let nobody wait for what does not come any more."""
        super().connection_lost(exc)
        if self._alarm is not None:
            self._alarm.cancel()
        delivery, self._reading = self._reading, None
        if delivery is not None:
            self._deliveries.lose(delivery.bot_id)


class _Delivery:
    """A request on its short way. It has of uvicorn's cycle what its protocol looks at.

    It does not know the protocol, which knows it: a circle would be left to the garbage collector.
    """

    __slots__ = ("bot_id", "disconnected", "keep_alive", "pieces", "query", "response_complete")

    #: Where uvicorn wakes who waits for the rest of a request; here nobody does.
    message_event: Final = asyncio.Event()

    def __init__(self, bot_id: str, query: bytes, *, keep_alive: bool) -> None:
        self.bot_id = bot_id
        self.query = query
        #: Of the body.
        self.pieces: list[bytes] = []
        #: A server that closes sets it to False.
        self.keep_alive = keep_alive
        #: The connection is lost.
        self.disconnected = False
        self.response_complete = False


@lru_cache(maxsize=_MOST_ADDRESSES)
def _read_address(url: bytes) -> tuple[str, bytes] | None:
    """Return whom a delivery is for, and its query; None when that takes more than a look."""
    if not url.startswith(_PREFIX) or not url.isascii() or b"#" in url:
        return None
    bot_id, _, query = url[len(_PREFIX) :].partition(b"?")
    return None if b"%" in bot_id else (bot_id.decode(), query)


@cache
def _heads(status: HTTPStatus) -> tuple[bytes, bytes]:
    """Return the whole response, for a connection that is closed and for one that is kept."""
    line = f"HTTP/1.1 {status.value} {status.phrase}\r\n"
    length = "" if status is HTTPStatus.NO_CONTENT else "content-length: 0\r\n"
    closed = f"{line}{length}connection: close\r\n\r\n"
    return closed.encode(), f"{line}{length}\r\n".encode()
