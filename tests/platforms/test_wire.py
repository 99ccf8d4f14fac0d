"""Head and body of a request on their way to Campfire."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpcore
import httpx
import pytest

from bot.errors import ChatRefused, ChatUnavailable
from bot.platforms.campfire.api import Api
from bot.platforms.campfire.wire import Joining, open_wire
from bot.records.file import File
from tests.platforms.certificates import write_certificate

_KEY = "3-AbCdEf123456"
_HERE = b"location: /rooms/1/messages/5\r\n"
_CREATED = b"HTTP/1.1 201 Created\r\n" + _HERE + b"content-length: 0\r\n\r\n"
_THERE = f"location: http://127.0.0.1/rooms/1/{_KEY}/messages\r\n".encode()
_MOVED = b"HTTP/1.1 302 Found\r\n" + _THERE + b"content-length: 0\r\n\r\n"


class Pieces(asyncio.Protocol):
    """Notes in which pieces requests come, and answers each that is complete."""

    def __init__(self, came: list[bytes], closed: asyncio.Event) -> None:
        self._came = came
        self._closed = closed
        self._request = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        """Take note that it ended, in order."""
        if error is None:
            self._closed.set()

    def data_received(self, data: bytes) -> None:
        """Take a piece."""
        self._came.append(data)
        self._request += data
        head, end, body = self._request.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        if end and len(body) >= length:
            self._request = b""
            self._transport.write(_MOVED if body == b"move" else _CREATED)


@asynccontextmanager
async def listening(
    came: list[bytes],
    closed: asyncio.Event | None = None,
    certificate: ssl.SSLContext | None = None,
) -> AsyncIterator[str]:
    """Run a server of the like, which sets *closed* when a connection was closed."""
    loop, ended = asyncio.get_running_loop(), closed or asyncio.Event()
    server = await loop.create_server(lambda: Pieces(came, ended), "127.0.0.1", 0, ssl=certificate)
    scheme = "https" if certificate else "http"
    async with server:
        yield f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ssl.SSLContext]:
    """Trust an authority as an operator would, and have it certify an address."""

    def certify(address: str) -> ssl.SSLContext:
        trusted, server = write_certificate(tmp_path, address)
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(server)
        return context

    return certify


async def test_head_and_body_come_together() -> None:
    """On a new connection and on a kept one; so httpx does what `Wire` makes it do."""
    came: list[bytes] = []
    async with listening(came) as url, open_wire() as wire:
        api = Api(url, wire)
        for text in ("first", "second"):
            assert await api.post_message(room="1", html=text, key=_KEY) == "5"
        assert [piece.partition(b"\r\n\r\n")[2] for piece in came] == [b"first", b"second"]


async def test_connections_are_closed_in_the_end() -> None:
    """Nothing is left open."""
    closed = asyncio.Event()
    async with listening([], closed) as url:
        async with open_wire() as wire:
            await Api(url, wire).post_message(room="1", html="first", key=_KEY)
            assert not closed.is_set()
        async with asyncio.timeout(10):
            await closed.wait()


async def test_an_authority_of_ones_own_is_trusted(
    authority: Callable[[str], ssl.SSLContext],
) -> None:
    """Encrypted, head and body come together too."""
    came: list[bytes] = []
    async with listening(came, certificate=authority("127.0.0.1")) as url, open_wire() as wire:
        for text in ("first", "second"):
            assert await Api(url, wire).post_message(room="1", html=text, key=_KEY) == "5"
        assert [piece.partition(b"\r\n\r\n")[2] for piece in came] == [b"first", b"second"]


async def test_a_certificate_for_somebody_else_is_not(
    authority: Callable[[str], ssl.SSLContext],
) -> None:
    """Nothing is sent: the key stands in the address."""
    came: list[bytes] = []
    async with listening(came, certificate=authority("127.0.0.2")) as url, open_wire() as wire:
        with pytest.raises(
            ChatUnavailable, match=r"not trusted: IP address mismatch.* SSL_CERT_FILE"
        ):
            await Api(url, wire).post_message(room="1", html="first", key=_KEY)
        assert came == []


async def test_the_key_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """The library writes down each header of an answer, and a redirect repeats the address."""
    caplog.set_level(logging.DEBUG)
    async with listening([]) as url, open_wire() as wire:
        with pytest.raises(ChatRefused, match="redirect"):
            await Api(url, wire).post_message(room="1", html="move", key=_KEY)
    assert "/rooms/1/<key>/messages" in caplog.text
    assert _KEY not in caplog.text


async def test_what_has_no_body_leaves_too() -> None:
    """Nobody waits for a body that does not come."""
    came: list[bytes] = []
    async with listening(came) as url, open_wire() as wire:
        response = await wire.handle_async_request(httpx.Request("GET", f"{url}/rooms"))
        await response.aclose()
        assert response.status_code == 201
        assert len(came) == 1


async def test_a_large_file_is_complete() -> None:
    """It comes in pieces, of which the first is sent with the head."""
    came: list[bytes] = []
    content = bytes(range(256)) * 4_096
    async with listening(came) as url, open_wire() as wire:
        await Api(url, wire).post_file(room="1", file=File(name="a.bin", content=content), key=_KEY)
    _, _, body = b"".join(came).partition(b"\r\n\r\n")
    assert content in body


class Stream(httpcore.AsyncNetworkStream):
    """Notes what is written, with the time it may take."""

    def __init__(self) -> None:
        self.written: list[tuple[bytes, float | None]] = []
        self.closed = False

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        """Note it."""
        self.written.append((buffer, timeout))

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        """Return what is always said."""
        _ = max_bytes, timeout
        return b"said"

    async def aclose(self) -> None:
        """Note it."""
        self.closed = True

    def get_extra_info(self, info: str) -> object:
        """Return it."""
        return f"the {info}"


async def test_each_request_has_a_first_piece() -> None:
    """Between two, something was read."""
    stream = Stream()
    joining = Joining(stream)
    for number in (b"1", b"2"):
        await joining.write(b"head " + number, 1.0)
        await joining.write(b" body " + number, 2.0)
        await joining.write(b" end " + number, 3.0)
        assert await joining.read(100) == b"said"
    assert stream.written == [
        (b"head 1 body 1", 2.0),
        (b" end 1", 3.0),
        (b"head 2 body 2", 2.0),
        (b" end 2", 3.0),
    ]


async def test_nobody_waits_for_an_answer_to_what_was_held() -> None:
    """Should httpcore ever write a request in one piece, it leaves when its answer is read."""
    stream = Stream()
    joining = Joining(stream)
    await joining.write(b"all", 1.0)
    assert await joining.read(100) == b"said"
    assert [written for written, _ in stream.written] == [b"all"]


async def test_what_is_held_when_it_is_closed_is_not_sent() -> None:
    """Half a request is none."""
    stream = Stream()
    joining = Joining(stream)
    await joining.write(b"head")
    await joining.aclose()
    assert stream.closed
    assert stream.written == []


@pytest.mark.parametrize("info", ["socket", "ssl_object"])
async def test_the_connection_is_what_it_is(info: str) -> None:
    """Asked, before it is used again, whether it can still be read."""
    assert Joining(Stream()).get_extra_info(info) == f"the {info}"
