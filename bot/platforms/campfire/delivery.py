"""Read what Campfire posts to a webhook. Pure: bytes in, records out.

The reader is tolerant where Campfire's versions and forks differ (unknown fields, no ``type``, no
``room.path``) and strict where a wrong type would hurt further on (`fields`).
"""

from dataclasses import dataclass, field
from datetime import datetime

from bot.platforms.campfire.fields import (
    Fields,
    identity,
    optional_text,
    read_object,
    section,
    text,
    trimmed,
)
from bot.records import Message, MessageKind, Person

PLATFORM = "campfire"


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One body that Campfire posted, not yet known to be authentic."""

    #: "message", or what else the body says it is: only "message" asks for an answer.
    event: str
    #: None when *event* is not "message".
    message: Message | None
    #: The room's id, as text; None when a body that is no message does not name one.
    room: str | None
    #: ``/rooms/{room}/{key}/messages``: proof of authenticity, hence a secret. Verify it, then
    #: forget it; replies go to the configured address.
    room_path: str | None = field(repr=False)


def parse_delivery(body: bytes, *, bot: str, received_at: datetime) -> Delivery:
    """Read *body*, addressed to *bot*. Raises `Malformed`, and nothing else, whatever it holds."""
    fields = read_object(body)
    event = _read_event(fields)
    if event != "message":
        return _read_other(fields, event)
    room = section(fields, "room")
    room_id, room_path = identity(room, "room.id"), optional_text(room, "room.path")
    return Delivery(
        event=event,
        message=_read_message(fields, room, bot=bot, received_at=received_at),
        room=str(room_id),
        room_path=room_path,
    )


def _read_message(fields: Fields, room: Fields, *, bot: str, received_at: datetime) -> Message:
    user, message = section(fields, "user"), section(fields, "message")
    body = section(message, "message.body")
    html = optional_text(body, "message.body.html", required=True)
    plain = trimmed(text(body, "message.body.plain"))
    room_name = optional_text(room, "room.name")
    message_id = identity(message, "message.id")
    return Message(
        platform=PLATFORM,
        bot=bot,
        room=str(room["id"]),
        room_name=room_name,
        direct=room_name is None,
        id=str(message_id),
        position=message_id,
        author=Person(id=str(identity(user, "user.id")), name=text(user, "user.name")),
        kind=kind_of(html, plain),
        text=plain,
        html=html,
        received_at=received_at,
    )


def kind_of(html: str | None, plain: str) -> MessageKind:
    """Return what sort of thing a message is by its HTML, None for a file, and its text."""
    if html is None:
        return MessageKind.UPLOAD
    return MessageKind.TEXT if plain else MessageKind.BARE


def _read_event(fields: Fields) -> str:
    """Name what the body is: "message" is the default, and a fork says it in another field."""
    if "type" not in fields and "event" not in fields:
        return "message"
    kind = optional_text(fields, "type") or "message"
    event = optional_text(fields, "event") or "message_created"
    if kind != "message":
        return kind
    return "message" if event == "message_created" else event


def _read_other(fields: Fields, event: str) -> Delivery:
    """Keep of a body we do not know only what `verify` needs; the rest may look as it likes."""
    room = fields.get("room")
    if not isinstance(room, dict) or not isinstance(room.get("path"), str):
        return Delivery(event=event, message=None, room=None, room_path=None)
    return Delivery(
        event=event, message=None, room=str(identity(room, "room.id")), room_path=room["path"]
    )
