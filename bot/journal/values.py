"""What goes into a column and comes out of it."""

from datetime import UTC, datetime
from typing import overload


def moment(seconds: float) -> datetime:
    """Read a REAL column of seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC)


@overload
def storable(text: str) -> str: ...
@overload
def storable(text: None) -> None: ...
@overload
def storable(text: str | None) -> str | None: ...
def storable(text: str | None) -> str | None:
    r"""Replace half characters (``\ud83d`` alone in a JSON body), which no database takes."""
    if text is None or text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
