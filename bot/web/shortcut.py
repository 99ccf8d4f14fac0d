"""The short way of a delivery: past ASGI, without a task and without a description of the request.

It is for the plain case, which nearly every delivery is; whatever is unusual about a request takes
uvicorn's way through the application, to the same end.
"""

from functools import cache
from http import HTTPStatus
from typing import Any, Final, Protocol

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from bot.web.bare import BareProtocol
from bot.web.webhook import PREFIX, Respond

_PREFIX: Final = PREFIX.encode()
#: What a plain request does not have: each asks for more than reading a body of known length.
_UNUSUAL: Final = frozenset((b"transfer-encoding", b"expect", b"upgrade"))


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

    def __init__(self, deliveries: Deliveries, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self._deliveries = deliveries
        #: The delivery whose body is being read.
        self._reading: _Delivery | None = None

    def on_headers_complete(self) -> None:
        """Take the short way, if it is open to this request."""
        if not self._is_plain():
            super().on_headers_complete()
            return
        bot_id, _, query = self.url[len(_PREFIX) :].partition(b"?")
        self.scope["path"] = PREFIX  # the headers are complete
        self._reading = _Delivery(bot_id.decode(), query, self.parser.should_keep_alive(), self)
        self.cycle = self._reading  # type: ignore[assignment] # as far as uvicorn looks at it

    def _is_plain(self) -> bool:
        if not self.url.startswith(_PREFIX) or self.parser.get_method() != b"POST":
            return False
        headers = dict(self.headers)
        length = headers.get(b"content-length")
        return (
            length is not None
            and int(length) <= HIGH_WATER_LIMIT
            and _UNUSUAL.isdisjoint(headers)
            and self.url.isascii()
            and not (b"%" in self.url.partition(b"?")[0] or b"#" in self.url)
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
        self._deliveries.take(delivery.bot_id, delivery.query, body, delivery.respond)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let nobody wait for what does not come any more."""
        super().connection_lost(exc)
        delivery, self._reading = self._reading, None
        if delivery is not None:
            self._deliveries.lose(delivery.bot_id)

    def send(self, head: bytes, *, keep_alive: bool) -> None:
        """Answer, and be ready for the next request."""
        self.transport.write(head)
        if not keep_alive:
            self.transport.close()
        self.on_response_complete()


class _Delivery:
    """A request on its short way. It has of uvicorn's cycle what its protocol looks at."""

    __slots__ = (
        "_protocol",
        "bot_id",
        "disconnected",
        "keep_alive",
        "pieces",
        "query",
        "response_complete",
    )

    def __init__(self, bot_id: str, query: bytes, keep_alive: bool, protocol: Shortcut) -> None:
        self.bot_id = bot_id
        self.query = query
        #: Of the body.
        self.pieces: list[bytes] = []
        #: Also set to False by a server that closes.
        self.keep_alive = keep_alive
        #: Set when the connection is lost.
        self.disconnected = False
        self.response_complete = False
        self._protocol = protocol

    @property
    def message_event(self) -> "_Delivery":
        """Where uvicorn wakes who waits for the request; nobody does."""
        return self

    def set(self) -> None:
        """Wake nobody."""

    def respond(self, status: HTTPStatus) -> None:
        """Answer with *status* and nothing else."""
        self.response_complete = True
        if not self.disconnected:
            self._protocol.send(_head(status, self.keep_alive), keep_alive=self.keep_alive)


@cache
def _head(status: HTTPStatus, keep_alive: bool) -> bytes:
    lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
    if status is not HTTPStatus.NO_CONTENT:
        lines.append("content-length: 0")
    if not keep_alive:
        lines.append("connection: close")
    return "\r\n".join((*lines, "", "")).encode()
