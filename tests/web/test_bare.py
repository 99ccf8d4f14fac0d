import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from bot.web.bare import Bare, answer_bare
from bot.web.edge import Edge
from tests.web.asgi import Exchange, ask, scope_of

TOKEN = ((b"authorization", b"Bearer x"),)


async def talk(_request: Request) -> Response:
    """Answer with a text."""
    return PlainTextResponse("hello", 201, {"X-Kept": "yes"})


pages = Bare(Starlette(routes=[Route("/page", talk, methods=["GET", "POST"])]))


async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Be a bug."""
    raise ZeroDivisionError


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_is_read_is_passed_on(method: str) -> None:
    """A page is as its application made it."""
    answer = await ask(pages, "/page", method)
    assert answer.headers[b"content-type"].startswith(b"text/plain")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/page", 201), ("PUT", "/page", 405), ("POST", "/x", 404), ("POST", "/admin/x", 404)],
)
async def test_everything_else_is_silenced(method: str, path: str, status: int) -> None:
    """Status and other headers stay; body and type go; the log says what was asked."""
    with capture_logs() as logs:
        answer = await ask(pages, path, method)
    assert (answer.status, answer.is_silent) == (status, True)
    assert answer.headers[b"content-length"] == b"0"
    assert (b"x-kept" in answer.headers) == (status == 201)
    (line,) = logs
    assert line == {
        "event": "request_refused",
        "log_level": "warning",
        "method": method,
        "path": path,
        "status": status,
    }


async def test_an_operator_gets_an_answer() -> None:
    """Under /admin/, who shows a token is no platform."""
    assert (await ask(pages, "/admin/x", headers=TOKEN)).body == b"Not Found"
    assert (await ask(pages, "/x", headers=TOKEN)).is_silent


async def test_a_bug_in_a_page_is_silent_and_heard() -> None:
    """The caller gets 500 and nothing else, and the bug travels on to the log."""
    exchange = Exchange((), hang_up=False)
    with pytest.raises(ZeroDivisionError):
        await Bare(broken)(scope_of("/page"), exchange.receive, exchange.send)
    assert (exchange.answer.status, exchange.answer.is_silent) == (500, True)


async def test_204_has_no_length() -> None:
    """A response that cannot have a body does not measure it."""
    for status, headers in ((204, {}), (404, {b"content-length": b"0"})):
        exchange = Exchange((), hang_up=False)
        await answer_bare(exchange.send, status)
        assert exchange.answer.headers == headers


@pytest.mark.parametrize(
    ("path", "whose"),
    [("/webhook/ada", 1), ("/webhook/", 1), ("/webhook", 2), ("//webhook/ada", 2), ("/health", 2)],
)
async def test_the_edge_decides_by_the_path(path: str, whose: int) -> None:
    """Deliveries go one way, everything else the other."""

    async def webhook(_scope: Scope, _receive: Receive, send: Send) -> None:
        await answer_bare(send, 201)

    async def others(_scope: Scope, _receive: Receive, send: Send) -> None:
        await answer_bare(send, 202)

    assert (await ask(Edge(webhook, others), path)).status == 200 + whose
