import gc
import inspect
import logging
import socket
import ssl
from collections.abc import AsyncIterator

import httpx
import pytest
import respx

from bot.errors import ChatError, ChatRefused, ChatUnavailable, ChatUncertain, PostFailed
from bot.platforms.campfire.api import Api
from bot.platforms.campfire.fate import FATES, Fate, read_exception
from bot.platforms.campfire.redaction import redact
from bot.platforms.campfire.wire import Wire, open_wire
from tests.platforms.deliveries import KEY

BASE = "http://chat.test"
URL = f"{BASE}/rooms/7/{KEY}/messages"

#: What may be raised for each fate.
ERRORS = {
    Fate.NEVER_LEFT: ChatUnavailable,
    Fate.MAY_HAVE_ARRIVED: ChatUncertain,
    Fate.CANNOT_WORK: ChatRefused,
}

#: Not raised for a request by our calls: the roots of the tree, bugs (`StreamError`), and what
#: only `raise_for_status` and the use of a client's cookies raise.
NOT_RAISED = {
    httpx.HTTPError,
    httpx.RequestError,
    httpx.TransportError,
    httpx.TimeoutException,
    httpx.NetworkError,
    httpx.ProtocolError,
    httpx.HTTPStatusError,
    httpx.CookieConflict,
    httpx.StreamError,
    httpx.StreamClosed,
    httpx.StreamConsumed,
    httpx.RequestNotRead,
    httpx.ResponseNotRead,
}


NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    """Give the API on a wire that is quick to make: certificates take 100 ms to read."""
    async with Wire(NO_CERTIFICATES) as wire:
        yield Api(f"{BASE}/", wire)


async def post(api: Api) -> str | None:
    """Post a greeting to room 7."""
    return await api.post_message(room="7", html="<p>100% hi, Zoë</p>", key=KEY)


@respx.mock
async def test_post_sends_html_with_its_type(api: Api) -> None:
    """The body is the HTML in UTF-8, with an explicit type; the id comes out of Location."""
    route = respx.post(URL).respond(201, headers={"Location": f"{BASE}/messages/512"})
    assert await post(api) == "512"
    request = route.calls.last.request
    assert request.headers["content-type"] == "text/html; charset=utf-8"
    assert request.content == "<p>100% hi, Zoë</p>".encode()


@respx.mock
@pytest.mark.parametrize("headers", [{}, {"Location": "/elsewhere"}, {"Location": "/messages/x"}])
async def test_no_id(api: Api, headers: dict[str, str]) -> None:
    """A post that Campfire took without naming it has no id."""
    respx.post(URL).respond(201, headers=headers)
    assert await post(api) is None


@respx.mock
async def test_room_cannot_change_the_address(api: Api) -> None:
    """A room's id is one segment of the path, whatever it holds."""
    route = respx.post(url__startswith=BASE).respond(201)
    await api.post_message(room="../1?x", html="hi", key=KEY)
    assert route.calls.last.request.url.raw_path.decode() == f"/rooms/..%2F1%3Fx/{KEY}/messages"


@respx.mock
@pytest.mark.parametrize("status", [408, 429, 502, 503])
async def test_worth_another_try(api: Api, status: int) -> None:
    """Overload and restarts may pass, and nothing was posted."""
    respx.post(URL).respond(status, html="<h1>sorry</h1>")
    with pytest.raises(ChatUnavailable, match=str(status)):
        await post(api)


@respx.mock
@pytest.mark.parametrize(
    ("status", "over"), [(500, True), (501, False), (504, False), (599, False)]
)
async def test_a_failure_leaves_a_doubt(api: Api, status: int, over: bool) -> None:  # noqa: FBT001 - the row says it
    """The message may be there; after the answer of a proxy it may still be on its way."""
    respx.post(URL).respond(status, html="<h1>sorry</h1>")
    with pytest.raises(PostFailed, match=str(status)) as error:
        await post(api)
    assert isinstance(error.value, ChatUncertain)
    assert error.value.over is over


@respx.mock
async def test_retry_after_travels(api: Api) -> None:
    """What Campfire asks us to wait is known to whoever retries."""
    respx.post(URL).respond(429, headers={"Retry-After": "17"})
    with pytest.raises(ChatUnavailable) as error:
        await post(api)
    assert error.value.retry_after_s == 17


@respx.mock
@pytest.mark.parametrize(
    ("status", "cure"),
    [
        (400, "HEARTH_CAMPFIRE_URL"),
        (401, "copy it from Campfire's page of bots"),
        (403, "check that it is active"),
        (404, "add the bot in the room's settings"),
        (413, "raise its body limit"),
        (418, "HEARTH_CAMPFIRE_URL"),
        (422, "blank or invalid"),
        (499, "HEARTH_CAMPFIRE_URL"),
    ],
)
async def test_refused_with_a_cure(api: Api, status: int, cure: str) -> None:
    """A refusal says what the operator can change."""
    respx.post(URL).respond(status)
    with pytest.raises(ChatRefused, match=f"room 7 was answered {status}") as error:
        await post(api)
    assert cure in str(error.value)


@respx.mock
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(api: Api, status: int) -> None:
    """A redirect is an answer: the key is wrong, or the address is."""
    login = respx.route(path="/session/new").respond(200)
    respx.post(URL).respond(status, headers={"Location": f"{BASE}/session/new"})
    with pytest.raises(ChatRefused, match="key is wrong or expired"):
        await post(api)
    assert not login.called


@respx.mock
async def test_a_released_campfire_fails_where_it_is_not_a_member(api: Api) -> None:
    """A 500 hints at the membership, which old versions answer so."""
    respx.post(URL).respond(500)
    with pytest.raises(PostFailed, match="not a member of the room"):
        await post(api)


@respx.mock
@pytest.mark.parametrize(("kind", "fate"), FATES.items())
async def test_exceptions_stop_here(api: Api, kind: type[Exception], fate: Fate) -> None:
    """Each exception of httpx becomes one of ours, which keeps no trace of the request."""
    respx.post(URL).mock(side_effect=kind(f"for {URL}"))
    with pytest.raises(ERRORS[fate]) as error:
        await post(api)
    assert error.value.__context__ is None
    assert error.value.__cause__ is None
    assert kind.__name__ in str(error.value)


@respx.mock
async def test_a_peer_that_hangs_up_while_it_connects(api: Api) -> None:
    """What anyio raises then is no bug of ours: nothing has left, and the next try may work."""
    respx.post(URL).mock(side_effect=AttributeError("'NoneType' object has no 'getpeername'"))
    with pytest.raises(ChatUnavailable, match="cannot be reached"):
        await post(api)


def test_every_exception_of_httpx_has_a_fate() -> None:
    """A class that a new httpx brings must be mapped, or declared as not raised."""
    kinds = {
        kind
        for _, kind in inspect.getmembers(httpx, inspect.isclass)
        if issubclass(kind, Exception)
    }
    assert kinds == FATES.keys() | NOT_RAISED


def test_unknown_exception_is_uncertain() -> None:
    """Until it is mapped, a new class of exception means that the message may be there."""
    kind = type("NewError", (httpx.TransportError,), {})
    assert isinstance(read_exception(kind("x"), room="7"), ChatUncertain)


@respx.mock
async def test_broken_body_changes_nothing(api: Api) -> None:
    """Once the headers say that the message is posted, it is."""

    async def body() -> AsyncIterator[bytes]:
        yield b"x"
        raise httpx.ReadError("gone")

    response = httpx.Response(201, headers={"Location": "/messages/9"}, content=body())
    respx.post(URL).mock(return_value=response)
    assert await post(api) == "9"


@respx.mock
async def test_endless_body_is_left(api: Api) -> None:
    """A server that never stops talking is not listened to."""

    async def body() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 10_000

    respx.post(URL).mock(return_value=httpx.Response(404, content=body()))
    with pytest.raises(ChatRefused):
        await post(api)


@respx.mock
async def test_cookies_do_not_travel() -> None:
    """A cookie that Campfire sets for one bot is not sent with another's post."""
    route = respx.post(URL).respond(201, headers={"Set-Cookie": "session=ada; Path=/"})
    async with open_wire() as wire:
        await post(Api(BASE, wire))
        await post(Api(BASE, wire))
    assert "cookie" not in route.calls.last.request.headers


@respx.mock
@pytest.mark.parametrize("status", [201, 302, 404, 418, 429, 500])
async def test_key_is_never_told(api: Api, status: int, caplog: pytest.LogCaptureFixture) -> None:
    """Neither log nor exception holds the key, whatever Campfire answers."""
    caplog.set_level(logging.DEBUG)
    location = {"Location": f"https://chat.test/rooms/7/{KEY}/messages"}
    respx.post(URL).respond(status, headers=location)
    if status == 201:
        await post(api)
    else:
        with pytest.raises(ChatError) as error:
            await post(api)
        assert KEY not in repr(error.value)
    assert KEY not in caplog.text
    assert KEY not in repr(api)


def test_redact_leaves_other_addresses() -> None:
    """Only the key is replaced."""
    assert redact(f"POST {URL}/9 and /rooms/1/@103") == (
        f"POST {BASE}/rooms/7/<key>/messages/9 and /rooms/1/@103"
    )


@pytest.mark.parametrize("base", ["chat.test", "ftp://chat.test", "http://chat.test:x", "http://"])
async def test_unusable_address(base: str) -> None:
    """A base URL that is none is refused with the setting's name."""
    async with Wire(NO_CERTIFICATES) as wire:
        with pytest.raises(ChatRefused, match="HEARTH_CAMPFIRE_URL"):
            await post(Api(base, wire))


async def test_nobody_listens() -> None:
    """A refused connection on a real socket may work later."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        unused_tcp_port = server.getsockname()[1]
    async with open_wire() as wire:
        with pytest.raises(ChatUnavailable, match="cannot be reached"):
            await post(Api(f"http://127.0.0.1:{unused_tcp_port}", wire))


async def test_a_call_leaves_no_circle_behind() -> None:
    """Request, response and body go by themselves: nobody has to look for garbage."""
    campfire = httpx.MockTransport(lambda _: httpx.Response(200, stream=httpx.ByteStream(b"[]")))
    gc.collect()
    gc.disable()
    try:
        api = Api(BASE, campfire)
        await post(api)
        await api.read_messages(room="7", key=KEY)
        assert not [one for one in gc.get_objects() if isinstance(one, httpx.Response)]
    finally:
        gc.enable()
