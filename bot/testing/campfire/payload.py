"""The bytes of a webhook request, to the byte as Campfire sends them."""

import json
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from bot.testing.campfire.markup import mentioned_ids
from bot.testing.campfire.records import Account, BotAccount, Message, RoomKind

_DEFAULT_PORTS = {"http": 80, "https": 443}


def payload(message: Message, *, room_name: str | None, bot: BotAccount) -> dict[str, Any]:
    """Return what the webhook says about *message*; the order of the keys counts."""
    address = f"/rooms/{message.room_id}"
    return {
        "user": {"id": message.creator.id, "name": message.creator.name},
        "room": {
            "id": message.room_id,
            "name": room_name,
            "path": f"{address}/{bot.key}/messages",
        },
        "message": {
            "id": message.id,
            "body": {"html": message.html, "plain": _without_mention(message.plain, bot.name)},
            "path": f"{address}/@{message.id}",
        },
    }


def with_fork_fields(
    value: Mapping[str, Any], *, kind: RoomKind, members: Collection[Account]
) -> dict[str, Any]:
    """Return the payload of campfire-ce: the same, and more about room and author."""
    bots = [member.id for member in members if isinstance(member, BotAccount)]
    mentioned = mentioned_ids(value["message"]["body"]["html"] or "")
    people = [{"id": member.id, "name": member.name} for member in members]
    room = {"type": kind, "members": people, "has_bot": bool(bots)}
    return {
        "event": "message_created",
        "user": {**value["user"], "path": f"/users/{value['user']['id']}"},
        "room": {**value["room"], **room},
        "message": {
            **value["message"],
            "mentionees": [person for person in people if person["id"] in mentioned],
        },
    }


def _without_mention(text: str, name: str) -> str:
    """Remove ``@name`` anywhere, inside longer words too, as Campfire does."""
    return text.replace(f"@{name}", "").strip()


def encode(value: Mapping[str, Any]) -> bytes:
    """Return the JSON as ActiveSupport writes it: compact, with ``<``, ``>`` and ``&`` escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode()


def request(url: str, body: bytes) -> bytes:
    """Return the whole HTTP request, as Ruby's Net::HTTP sends it."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.hostname or ""
    if parts.port not in {None, _DEFAULT_PORTS[parts.scheme]}:
        host = f"{host}:{parts.port}"
    head = (
        f"POST {target} HTTP/1.1\r\n"
        "Content-Type: application/json\r\n"
        "Accept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3\r\n"
        "Accept: */*\r\n"
        "User-Agent: Ruby\r\n"
        f"Host: {host}\r\n"
        "Connection: close\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
