"""Reading a request's body within a bound."""

from starlette.types import Receive, Scope

from bot.config.settings import BODY_LIMIT_BYTES
from bot.errors import Malformed, TooLarge


async def read_body(scope: Scope, receive: Receive, limit: int = BODY_LIMIT_BYTES) -> bytes:
    """Return the whole body.

    Raises TooLarge before reading on, and Malformed when the caller went away in between.
    """
    announced = next((v for n, v in scope["headers"] if n == b"content-length"), b"0")
    if int(announced) > limit:  # httptools has checked that it is a number
        raise TooLarge(f"a body of {int(announced)} bytes; the limit is {limit}")
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise Malformed("the caller went away before the body was complete")
        chunk = event.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"a body of more than {limit} bytes")
        chunks.append(chunk)
        more = event.get("more_body", False)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
