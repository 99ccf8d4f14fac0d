"""Whatever is sent: no answer to a platform has a body or a Content-Type (invariant 5)."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.testing.model import Gate, hold
from tests.e2e.watching import Log
from tests.e2e.wire import deliver, exchange, point, request, statuses
from tests.e2e.world import Running, open_world

#: Paths to which a platform may be pointed, and what it gets.
PATHS = {
    "/": 404,
    "/webhook": 404,
    "/webhook/": 404,
    "/webhook/nobody": 404,
    "/webhook/ada/": 404,
    "//webhook/ada": 404,
    "/WEBHOOK/ada": 404,
    "/webhook/../health": 404,
    "/webhook/ada%00": 404,
    "/webhook/%61da": 400,
    "/webhook/ada?secret=x": 400,
    "http://chat.example/webhook/ada": 400,
    "/webhook/ad\xe1": 400,
    "/%ff%fe": 404,
    "*": 404,
    f"/{'x' * 30_000}": 404,
    "/health": 405,
    "/ready": 405,
    "/metrics": 405,
    "/session/stats": 405,
    "/queue/stats": 405,
    "/health/sessions": 405,
    "/admin/": 404,
    "/admin/nothing": 404,
}
METHODS = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "PROPFIND")

_CHUNKED = ("Transfer-Encoding: chunked", "Connection: close")


def chunked(body: bytes) -> bytes:
    """Return a request whose body is *body*, as it goes over the wire."""
    head = request(headers=_CHUNKED).partition(b"\r\n\r\n")[0]
    return head.replace(b"Content-Length: 2\r\n", b"") + b"\r\n\r\n" + body


#: What is not quite HTTP, or unusual HTTP.
ODDITIES = {
    "no HTTP": (b"\x16\x03\x01\x02\r\n\r\n", [400]),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400]),
    "HTTP/0.9": (request(version="0.9"), [400]),
    "HTTP/1.0": (request(version="1.0", headers=()), [400]),
    "unknown method": (request(method="SHOUT"), [400]),
    "expecting": (request(headers=("Expect: 100-continue", "Connection: close")), [100, 400]),
    "expecting too much": (
        request(headers=("Expect: 100-continue", "Connection: close")).replace(
            b"Content-Length: 2", b"Content-Length: 2000000"
        ),
        [413],
    ),
    "no length": (request().replace(b"Content-Length: 2\r\n", b""), [400]),
    "two lengths": (request(headers=("Content-Length: 3", "Connection: close")), [400]),
    "length and chunks": (request(headers=_CHUNKED), [400]),
    "negative length": (request().replace(b"Length: 2", b"Length: -2"), [400]),
    "endless length": (request().replace(b"Length: 2", b"Length: " + b"9" * 30), [400]),
    "no chunk": (chunked(b"zz\r\n{}\r\n"), [400]),
    "chunk too long": (chunked(b"3\r\n{}XX5\r\n"), [400]),
    "chunks": (chunked(b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"), [400]),
    "header without a name": (request(headers=(": x", "Connection: close")), [400]),
    "long header": (request(headers=(f"X: {'x' * 3_000_000}", "Connection: close")), [431]),
    "many headers": (request(headers=("X: y",) * 200_000), [431]),
    "path without an end": (b"POST /" + b"x" * 3_000_000, [431]),
    "websocket": (request(headers=("Upgrade: websocket", "Connection: upgrade, close")), [400]),
    "h2c": (request(headers=("Upgrade: h2c", "Connection: upgrade, close")), [400]),
    "pipelined": (
        request(headers=()) + request("/nothing", headers=()) + request("/webhook/nobody"),
        [400, 404, 404],
    ),
}


async def answer(server: Running, sent: bytes, *, half_close: bool = False) -> list[int]:
    """Return the statuses of the silent answer to *sent*."""
    return statuses(await exchange(server.url, sent, half_close=half_close))


async def test_every_path_is_silent(tmp_path: Path, log: Log) -> None:
    """A POST to any path gets a status and nothing else, and a line in the log."""
    async with open_world(tmp_path) as world, world.serving() as server:
        for path, status in PATHS.items():
            before = len(log.warnings)
            assert await answer(server, request(path)) == [status], path
            assert len(log.warnings) == before + 1, path
        assert world.campfire.room(world.room).messages == ()


async def test_every_method_is_silent(tmp_path: Path) -> None:
    """The webhook route takes POST, and says so without a body; so does a path that is none."""
    async with open_world(tmp_path) as world, world.serving() as server:
        for method in METHODS:
            answered = await exchange(server.url, request(method=method))
            assert statuses(answered) == [405], method
            assert b"\r\nallow: POST\r\n" in answered
        for method in METHODS[2:]:
            assert await answer(server, request("/nothing", method=method)) == [404], method


async def test_odd_requests_are_silent(tmp_path: Path) -> None:
    """Malformed, oversized and unusual requests get statuses only, and harm nobody."""
    async with open_world(tmp_path) as world, world.serving() as server:
        for name, (sent, expected) in ODDITIES.items():
            assert await answer(server, sent) == expected, name
        assert await world.ask("@Ada") != ""


async def test_cut_off_requests_are_silent(tmp_path: Path) -> None:
    """Who stops sending is answered as far as possible, and never with more than a status."""
    async with open_world(tmp_path) as world, world.serving() as server:
        for cut in (request()[:20], request()[:-1]):
            assert await answer(server, cut, half_close=True) == []
        assert set(await answer(server, request(), half_close=True)) <= {400}


async def test_draining_is_silent(tmp_path: Path) -> None:
    """While the last turns finish, deliveries are still taken, and refused, in silence."""
    gate = Gate()
    async with open_world(tmp_path) as world:
        world.model.script("slowly", hold(gate))
        async with world.serving() as server:
            slow = await world.say("@Ada think slowly")
            await gate.reached()
            server.stop.set()
            await server.until_draining()
            _, delivery = await deliver(world, server)
            assert delivery.status == 204
            for path, status in PATHS.items():
                assert await answer(server, request(path)) == [status], path
            for name, (sent, expected) in ODDITIES.items():
                assert await answer(server, sent) == expected, name
            gate.release()
            await world.answer(slow)
        assert world.campfire.violations == ()


@contextmanager
def as_served() -> Iterator[None]:
    """Have the loop log what a callback raises; that of the tests would fail the test."""
    loop = asyncio.get_running_loop()
    of_the_tests = loop.get_exception_handler()
    loop.set_exception_handler(None)
    try:
        yield
    finally:
        loop.set_exception_handler(of_the_tests)


async def test_a_bug_in_the_route_is_silent(
    tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A delivery that meets a bug gets 500 and nothing else; the log has the traceback."""
    async with open_world(tmp_path) as world, world.serving() as server:
        with monkeypatch.context() as patch, as_served():
            patch.delattr("bot.platforms.campfire.Campfire.read")
            _, delivery = await deliver(world, server)
            assert (delivery.status, delivery.content_type) == (500, None)
        (line,) = log.warnings
        assert "AttributeError" in line["traceback"]
        assert world.campfire.violations == ()
        point(world, server)
        assert await world.ask("@Ada") != ""


async def test_operators_get_their_answers(tmp_path: Path) -> None:
    """Pages that are read, and admin routes asked with a token, are not silenced."""
    async with open_world(tmp_path) as world, world.serving() as server:
        assert (await server.request("GET", "/nothing")).headers["content-type"]
        asked = await server.request("POST", "/admin/nothing")
        assert (asked.status_code, asked.text) == (404, "Not Found")
        stranger = request("/admin/nothing", headers=("Connection: close",))
        assert await answer(server, stranger) == [404]
