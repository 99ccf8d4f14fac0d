"""Whether a Campfire lets its bots read. Pure: what was seen, what it means, when to ask again.

Up to version 1.4.9 there is no such route, which is a 404. Where there is one, a 404 means that the
room does not exist, that the bot is not a member of it, or that the message after (or before) which
was to be read is gone. Two things tell them apart. Campfire's controllers put its version into the
headers, and refuse a room with them; that a route is not there, or a message, is said by an error
page, which has none. And a message can be left out of the question.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus

#: What was found out holds so long, unless the version changes before.
REPROBE_S = 240.0

_LONGEST_VERSION = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Capability:
    """Whether history can be read, as it was found out."""

    present: bool
    #: The version that the instance had shown until then (`read_version`).
    version: str | None
    #: Seconds of a monotonic clock.
    found_at_s: float


class Missing(Enum):
    """What is not there."""

    #: The route: this Campfire has no history for bots.
    ROUTE = "route"
    #: The room, or the bot's membership.
    ROOM = "room"
    #: The message that was named, perhaps: without it, the next answer is clear.
    ANCHOR = "anchor"


def read_version(headers: Mapping[str, str]) -> str | None:
    """Return what an answer says of the version; None when it says nothing."""
    parts = [headers.get(name, "") for name in ("x-version", "x-rev")]
    return " ".join(parts)[:_LONGEST_VERSION] if any(parts) else None


def is_present(found: Capability | None, *, version: str | None, now_s: float) -> bool | None:
    """Return whether history can be read; None when that must be found out, perhaps again."""
    if found is None or found.version != version or now_s - found.found_at_s >= REPROBE_S:
        return None
    return found.present


def read_missing(status: int, *, routed: bool, anchored: bool, present: bool | None) -> Missing:
    """Return what a 404 or 405 means.

    *routed*: it carries a version; *anchored*: a message was named; *present*: what is known.
    """
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return Missing.ROUTE
    if routed:
        return Missing.ROOM
    if anchored:
        return Missing.ANCHOR
    # Known to be there, so somebody on the way takes the headers away.
    return Missing.ROOM if present else Missing.ROUTE
