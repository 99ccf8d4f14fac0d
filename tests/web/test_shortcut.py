import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import anyio
import anyio.lowlevel
import pytest
import uvloop
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from bot.web.bare import answer_bare
from bot.web.server import Server, build_server, listen
from bot.web.shortcut import Shortcut

HEAD = "POST /webhook/ada?secret=x HTTP/1.1\r\nHost: x\r\n"
PLAIN = f"{HEAD}Content-Length: 2\r\n\r\n{{}}".encode()
CLOSING = f"{HEAD}Connection: close\r\nContent-Length: 2\r\n\r\n{{}}".encode()
#: What the application answers, so that one can tell who has.
OTHER = 202


@dataclass
class Deliveries:
    """Takes deliveries; they are answered when the test says so."""

    taken: list[tuple[str, bytes, bytes]] = field(default_factory=list)
    lost: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    waiting: asyncio.Queue[Callable[[HTTPStatus], None]] = field(default_factory=asyncio.Queue)
    #: What everything is answered with at once.
    at_once: HTTPStatus | None = HTTPStatus.NO_CONTENT
    bug: Exception | None = None

    def take(
        self, bot_id: str, query: bytes, body: bytes, respond: Callable[[HTTPStatus], None]
    ) -> None:
        """Take one."""
        self.taken.append((bot_id, query, body))
        if self.at_once is None:
            self.waiting.put_nowait(respond)
        else:
            respond(self.at_once)
        if self.bug is not None:
            raise self.bug

    def lose(self, bot_id: str) -> None:
        """Hear of one that is not complete."""
        self.lost.put_nowait(bot_id)


@dataclass
class Serving:
    """A server on loopback, and what reached it."""

    port: int
    server: Server
    deliveries: Deliveries
    scopes: list[Scope]
    bugs: list[dict[str, Any]]

    async def ask(self, request: bytes) -> bytes:
        """Send *request* on a connection of its own, and return all that comes until it closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer


@asynccontextmanager
async def serving() -> AsyncIterator[Serving]:
    """Serve an application that reads each body and says `OTHER`."""
    scopes: list[Scope] = []
    bugs: list[dict[str, Any]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        while (await receive()).get("more_body"):
            pass
        await answer_bare(send, OTHER)

    deliveries = Deliveries()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: bugs.append(context))
    with listen("127.0.0.1", 0) as listener:
        server = build_server(app, deliveries)
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve(sockets=[listener]), name="http")
            yield Serving(listener.getsockname()[1], server, deliveries, scopes, bugs)
            server.should_exit = True


async def test_a_plain_delivery_goes_past_the_application() -> None:
    """It is taken with its bot, its query and its body, and answered without a type."""
    async with serving() as at:
        answer = await at.ask(CLOSING)
    assert answer == b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"
    assert at.deliveries.taken == [("ada", b"secret=x", b"{}")]
    assert at.scopes == []


def test_the_loop_that_it_is_served_on() -> None:
    """Its transports are not those of asyncio."""
    uvloop.run(test_a_plain_delivery_goes_past_the_application())


async def test_a_refusal_has_a_length_and_no_type() -> None:
    """Whoever reads it knows where it ends."""
    async with serving() as at:
        at.deliveries.at_once = HTTPStatus.UNAUTHORIZED
        answer = await at.ask(CLOSING)
    assert answer == (
        b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )


async def test_a_connection_is_kept() -> None:
    """One request after the other, however they are cut into pieces."""
    async with serving() as at:
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
        for piece in (PLAIN, PLAIN[:-1], PLAIN[-1:], PLAIN[:9], PLAIN[9:]):
            writer.write(piece)
            await writer.drain()
            await anyio.wait_all_tasks_blocked()
        answers = [await reader.readuntil(b"\r\n\r\n") for _ in range(3)]
        writer.close()
    assert answers == [b"HTTP/1.1 204 No Content\r\n\r\n"] * 3
    assert at.deliveries.taken == [("ada", b"secret=x", b"{}")] * 3


async def test_a_kept_connection_is_closed_when_nothing_comes() -> None:
    """It has rested for as long as uvicorn lets it."""
    async with serving() as at:
        at.server.config.timeout_keep_alive = 0.05  # type: ignore[assignment]  # it is only added
        answer = await at.ask(PLAIN)
    assert answer == b"HTTP/1.1 204 No Content\r\n\r\n"


async def test_a_connection_in_use_is_not_closed() -> None:
    """One alarm serves for all its requests; whether something has come is seen when it rings."""
    async with serving() as at:
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
        alarms = set[object]()
        for _ in range(3):
            writer.write(PLAIN)
            await reader.readuntil(b"\r\n\r\n")
            (protocol,) = at.server.server_state.connections
            assert isinstance(protocol, Shortcut)
            alarms.add(protocol._alarm)
        assert len(alarms) == 1
        protocol._look()  # too early
        assert protocol._alarm not in {None, *alarms}
        at.deliveries.at_once = None
        writer.write(PLAIN)
        respond = await at.deliveries.waiting.get()
        protocol._look()  # in the middle of a request
        assert protocol._alarm is None
        respond(HTTPStatus.NO_CONTENT)
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 204 No Content\r\n\r\n"
        last = protocol._alarm
        assert last is not None
        writer.close()
        while at.server.server_state.connections:
            await anyio.wait_all_tasks_blocked()
            await asyncio.to_thread(lambda: None)
        assert last.cancelled()


@pytest.mark.parametrize(
    "request_head",
    [
        "GET /webhook/ada HTTP/1.1\r\nContent-Length: 2",
        "POST /webhook/%61da HTTP/1.1\r\nContent-Length: 2",
        "POST /webhook/ada#a HTTP/1.1\r\nContent-Length: 2",
        f"POST /webhook/ada?{'x' * 256} HTTP/1.1\r\nContent-Length: 2",
        "POST /page HTTP/1.1\r\nContent-Length: 2",
        "POST http://x/webhook/ada HTTP/1.1\r\nContent-Length: 2",
        "POST /webhook/ada HTTP/1.0\r\nContent-Length: 2",
        "POST /webhook/ada HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue",
        "POST /webhook/ada HTTP/1.1\r\nTransfer-Encoding: chunked",
        "POST /webhook/ada HTTP/1.1",
        f"POST /webhook/ada HTTP/1.1\r\nContent-Length: {HIGH_WATER_LIMIT + 1}",
    ],
)
async def test_what_is_unusual_goes_through_the_application(request_head: str) -> None:
    """There it has everything that an application may ask for."""
    body = "2\r\n{}\r\n0\r\n\r\n" if "chunked" in request_head else "{}"
    body = body.ljust(HIGH_WATER_LIMIT + 1) if str(HIGH_WATER_LIMIT + 1) in request_head else body
    async with serving() as at:
        answer = await at.ask(f"{request_head}\r\nConnection: close\r\n\r\n{body}".encode())
    assert b"HTTP/1.1 202 Accepted\r\n" in answer
    (scope,) = at.scopes
    assert scope["client"][0] == scope["server"][0] == "127.0.0.1"
    assert (scope["server"][1], scope["scheme"]) == (at.port, "http")
    assert at.deliveries.taken == []


async def test_what_is_sent_ahead_waits_for_its_turn() -> None:
    """A second request on the way of a first is answered after it."""
    async with serving() as at:
        at.deliveries.at_once = None
        asking = asyncio.create_task(at.ask(PLAIN + CLOSING), name="ask")
        respond = await at.deliveries.waiting.get()
        await anyio.wait_all_tasks_blocked()
        assert at.scopes == []
        respond(HTTPStatus.NO_CONTENT)
        answer = await asking
    first, second = answer.split(b"\r\n\r\n", 1)
    assert first == b"HTTP/1.1 204 No Content"
    assert second.startswith(b"HTTP/1.1 202 Accepted\r\n")


async def test_a_body_whose_end_does_not_come() -> None:
    """Nothing is taken, and somebody hears of it."""
    async with serving() as at:
        _, writer = await asyncio.open_connection("127.0.0.1", at.port)
        writer.write(PLAIN[:-1])
        writer.close()
        assert await at.deliveries.lost.get() == "ada"
    assert at.deliveries.taken == []


async def test_a_caller_that_is_gone_gets_no_answer() -> None:
    """What became of its delivery is said to nobody."""
    async with serving() as at:
        at.deliveries.at_once = None
        _, writer = await asyncio.open_connection("127.0.0.1", at.port)
        writer.write(PLAIN)
        respond = await at.deliveries.waiting.get()
        writer.close()
        while at.server.server_state.connections:
            await anyio.lowlevel.checkpoint()
        respond(HTTPStatus.NO_CONTENT)
    assert at.bugs == []
    assert at.deliveries.lost.empty(), "it was complete"


async def test_a_server_that_closes_answers_what_is_open() -> None:
    """And says that the connection ends with it."""
    async with serving() as at:
        at.deliveries.at_once = None
        asking = asyncio.create_task(at.ask(PLAIN), name="ask")
        respond = await at.deliveries.waiting.get()
        for protocol in tuple(at.server.server_state.connections):
            protocol.shutdown()
        respond(HTTPStatus.NO_CONTENT)
        assert await asking == b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"


async def test_a_bug_is_heard_and_no_bad_http() -> None:
    """Its caller has the answer that the route gives then; the loop reports it."""
    async with serving() as at:
        at.deliveries.at_once = HTTPStatus.INTERNAL_SERVER_ERROR
        at.deliveries.bug = ZeroDivisionError()
        answer = await at.ask(CLOSING)
    assert answer.startswith(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n")
    assert [context["exception"] for context in at.bugs] == [at.deliveries.bug]


async def test_a_connection_leaves_no_circle_behind() -> None:
    """With a new one for each delivery, garbage would have to be looked for all the time."""
    async with serving() as at:
        await at.ask(CLOSING)
        gc.collect()
        gc.disable()
        try:
            await at.ask(CLOSING)
            await anyio.wait_all_tasks_blocked()
            assert not [one for one in gc.get_objects() if isinstance(one, Shortcut)]
        finally:
            gc.enable()
