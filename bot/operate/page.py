"""What every page has in common: bounded, and silent towards whoever may not see it."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bot.errors import BotError, JournalError
from bot.operate.admin import AdminToken, Verdict

#: Rows of a list when nobody asks for a number, and the most there are.
ROWS: Final = 200
MOST_ROWS: Final = 1000

READ: Final = frozenset({"GET", "HEAD"})
ACT: Final = frozenset({"POST"})

_HEADERS: Final = {"Cache-Control": "no-store"}


class BadQuery(BotError):
    """The page's query asks for what there is not."""


class Page:
    """A page for GET, or for what *methods* says. The rest gets a status and nothing more.

    Campfire would post what has a Content-Type into the room, whatever the path or the status.
    """

    def __init__(
        self,
        answer: Callable[[Request], Awaitable[Response]],
        *,
        token: AdminToken | None,
        methods: frozenset[str] = READ,
    ) -> None:
        self._answer = answer
        self._methods = methods
        #: None: open to everybody.
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        response = self._refusal(request) or await self._read(request)
        await response(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        if request.method not in self._methods:
            return bare(HTTPStatus.METHOD_NOT_ALLOWED, Allow=", ".join(sorted(self._methods)))
        return None if self._token is None else refusal(request, self._token)

    async def _read(self, request: Request) -> Response:
        try:
            return await self._answer(request)
        except BadQuery as error:
            return as_json({"error": str(error)}, status=HTTPStatus.BAD_REQUEST)
        except JournalError:
            why = "the journal cannot be read, see the log"
            return as_json({"error": why}, status=HTTPStatus.SERVICE_UNAVAILABLE)


def refusal(request: Request, token: AdminToken) -> Response | None:
    """Return the answer to a request that does not show *token*; None when it does."""
    verdict = token.judge(request.headers.get("authorization"))
    if verdict is Verdict.DENIED:
        return bare(HTTPStatus.UNAUTHORIZED, **{"WWW-Authenticate": "Bearer"})
    if verdict is Verdict.LATER:
        return bare(HTTPStatus.TOO_MANY_REQUESTS, **{"Retry-After": "60"})
    return None


def bare(status: HTTPStatus, **headers: str) -> Response:
    """Return a response without a body, and so without a Content-Type."""
    return Response(status_code=status, headers=headers)


def as_json(content: object, *, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Return *content* as JSON that nobody keeps."""
    body = json.dumps(content, separators=(",", ":"))
    return Response(body, status, headers=_HEADERS, media_type="application/json")


def as_text(content: bytes | str, *, media_type: str = "text/plain") -> Response:
    """Return *content* as text that nobody keeps."""
    return Response(content, headers=_HEADERS, media_type=media_type)


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Which rows of a list a page shows."""

    offset: int
    limit: int


def parse_window(request: Request) -> Window:
    """Read ``?limit=`` and ``?offset=``. Raises BadQuery."""
    limit = parse_number(request, "limit", ROWS)
    return Window(offset=parse_number(request, "offset", 0), limit=min(limit, MOST_ROWS))


def parse_number(request: Request, name: str, default: int) -> int:
    """Read a whole number of the query. Raises BadQuery."""
    written = request.query_params.get(name, "")
    if not written:
        return default
    # Nine digits: more rows than there can be, and no number that takes long to read.
    if not (written.isascii() and written.isdigit() and len(written) <= 9):  # noqa: PLR2004 - as said
        raise BadQuery(f'"{name}" must be a whole number from 0 on')
    return int(written)
