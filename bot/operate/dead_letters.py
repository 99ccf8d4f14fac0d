"""``/admin/dead-letters``: what was given up, and the way back."""

from collections.abc import Awaitable
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from bot.operate.letters import DeadLetters, NoSuchMessage, NotDead
from bot.operate.page import MOST_ROWS, as_json, parse_number
from bot.operate.statistics import Shown

_ROWS = 50
#: More digits than a number of the journal has; as many zeros as anybody likes are no number.
_MOST_DIGITS = 19


class DeadLetterPages:
    """The list, one letter, and the two things that can be done about it."""

    def __init__(self, letters: DeadLetters) -> None:
        self._letters = letters

    async def list(self, request: Request) -> Response:
        """Show ``?limit=`` of them below the number ``?before=``, newest first."""
        limit = min(parse_number(request, "limit", _ROWS), MOST_ROWS)
        before = parse_number(request, "before", 0) or None
        return as_json(await self._letters.page(limit=limit, before=before))

    async def show(self, request: Request) -> Response:
        """Show everything about one, with what was said."""
        return await _answer(self._letters.show(_number(request)))

    async def retry(self, request: Request) -> Response:
        """Have it answered after all; its turn comes in the order of its room."""
        return await _answer(self._letters.retry(_number(request)), status=HTTPStatus.ACCEPTED)

    async def drop(self, request: Request) -> Response:
        """Take it off the list."""
        return await _answer(self._letters.drop(_number(request)))


def _number(request: Request) -> int:
    """Return the number in the path; what is none gets one that no message has."""
    written: str = request.path_params["seq"]
    sound = written.isascii() and written.isdigit() and len(written) <= _MOST_DIGITS
    return int(written) if sound else 0


async def _answer(answer: Awaitable[Shown], *, status: HTTPStatus = HTTPStatus.OK) -> Response:
    try:
        return as_json(await answer, status=status)
    except NoSuchMessage as error:
        return as_json({"error": str(error)}, status=HTTPStatus.NOT_FOUND)
    except NotDead as error:
        return as_json({"error": str(error)}, status=HTTPStatus.CONFLICT)
