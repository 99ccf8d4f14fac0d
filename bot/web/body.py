"""Reading a request's body within a bound."""

from starlette.types import Receive, Scope

from bot.config.settings import BODY_LIMIT_BYTES
from bot.errors import Malformed, TooLarge

#: Why a body cannot be read whose end does not come.
CUT_SHORT = "the caller went away before the body was complete"


async def read_body(scope: Scope, receive: Receive, limit: int = BODY_LIMIT_BYTES) -> bytes:
    """Return the whole body.

    Raises TooLarge before reading on, and Malformed when the caller went away in between.
    """
    for name, value in scope["headers"]:
        # httptools has checked that it is a number.
        if name == b"content-length" and int(value) > limit:
            raise TooLarge(f"a body of {int(value)} bytes; the limit is {limit}")
    chunks: list[bytes] = []
    size = 0
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise Malformed(CUT_SHORT)
        chunks.append(event.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise TooLarge(f"a body of more than {limit} bytes")
        if not event.get("more_body", False):
            return b"".join(chunks)
