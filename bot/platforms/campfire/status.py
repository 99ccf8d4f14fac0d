"""What an HTTP status of Campfire's bot API means, and what the operator can change. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus
from urllib.parse import SplitResult, urlsplit

from bot.errors import ChatError, ChatRefused, ChatUnavailable, PostFailed

#: Nobody asks for more than this in earnest; it also keeps absurd numbers out of timers.
_LONGEST_WAIT_S = 24 * 3600.0

_MESSAGE_ID = re.compile(r"/messages/(\d+)", re.ASCII)


class Deed(StrEnum):
    """What was asked of Campfire, as a sentence says it."""

    POST = "posting to"
    READ = "reading"
    EDIT = "changing a message in"
    REMOVE = "removing a message from"
    REACT = "reacting to a message in"


#: The request was not processed: trying again is safe.
_LATER: dict[int, str] = {
    HTTPStatus.REQUEST_TIMEOUT: "Campfire did not get the whole request in time",
    HTTPStatus.TOO_MANY_REQUESTS: "Campfire, or a proxy before it, asks to slow down",
    HTTPStatus.BAD_GATEWAY: "the proxy does not reach Campfire",
    HTTPStatus.SERVICE_UNAVAILABLE: "Campfire is overloaded or being restarted",
}

#: The request may have been carried out: for reading that is no matter, for posting it is.
_FAILED: dict[int, str] = {
    HTTPStatus.INTERNAL_SERVER_ERROR: "Campfire failed; up to version 1.4.9 it also answers so "
    "where the bot is not a member of the room",
    HTTPStatus.GATEWAY_TIMEOUT: "Campfire did not answer its proxy in time",
}

_CURES: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "the key is not accepted: copy it from Campfire's page of bots into "
    "`key` of the bot file",
    HTTPStatus.FORBIDDEN: "the bot is not let in: check that it is active in Campfire, and "
    "that no proxy or firewall before Campfire refuses this server",
    HTTPStatus.NOT_FOUND: "the room does not exist, or the bot is not a member of it: add the bot "
    "in the room's settings, and check HEARTH_CAMPFIRE_URL",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "the message is too long for the proxy before Campfire: "
    "raise its body limit",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Campfire takes the message for blank or invalid",
}


def message_id(location: str | None) -> str | None:
    """Return the posted message's id out of a ``Location``; None when it names none."""
    found = _MESSAGE_ID.search(location or "")
    return found.group(1) if found else None


def read_refusal(
    status: int,
    headers: Mapping[str, str],
    *,
    url: str,
    room: str,
    now: datetime,
    deed: Deed = Deed.POST,
) -> ChatError:
    """Return the error that a *status* outside 2xx means. No text of it holds *url* or a header."""
    where = f"{deed} room {room} was answered {status}"
    if status in _LATER:
        wait_s = parse_retry_after(headers.get("retry-after"), now=now)
        return ChatUnavailable(f"{where}: {_LATER[status]}", retry_after_s=wait_s)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        failed = f"{where}: {_FAILED.get(status, 'Campfire, or a proxy before it, failed')}"
        if deed is Deed.READ:
            return ChatUnavailable(failed)
        # A proxy may give up while Campfire is still at it.
        return PostFailed(failed, over=status == HTTPStatus.INTERNAL_SERVER_ERROR)
    if status < HTTPStatus.BAD_REQUEST:
        return ChatRefused(f"{where}: {_explain_redirect(headers.get('location'), url)}")
    cure = _CURES.get(status, "check HEARTH_CAMPFIRE_URL and what answers there")
    return ChatRefused(f"{where}: {cure}")


def _explain_redirect(location: str | None, url: str) -> str:
    target, asked = _split(location), _split(url)
    if target.path.endswith("/session/new"):
        return (
            "Campfire asks for a login, so the key is wrong or expired, or the bot was removed: "
            "copy the key from Campfire's page of bots into `key` of the bot file"
        )
    same_place = (target.hostname, target.path) == (asked.hostname, asked.path)
    if same_place and (asked.scheme, target.scheme) == ("http", "https"):
        return "this Campfire wants TLS: HEARTH_CAMPFIRE_URL should start with https://"
    return (
        "a redirect means an authentication error or a wrong base URL: "
        "check `key` of the bot file and HEARTH_CAMPFIRE_URL"
    )


def _split(url: str | None) -> SplitResult:
    try:
        return urlsplit(url or "")
    except ValueError:  # a Location may be anything
        return urlsplit("")


def parse_retry_after(value: str | None, *, now: datetime) -> float | None:
    """Return the seconds of a ``Retry-After``, a number or an HTTP date; None if it is neither."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_WAIT_S)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), _LONGEST_WAIT_S)
