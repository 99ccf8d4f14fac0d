"""Read what Campfire posts to a webhook. Pure: bytes in, records out.

The reader is tolerant where Campfire's versions and forks differ (unknown fields, no ``type``, no
``room.path``) and strict where a wrong type would hurt further on. Every refusal names the key, the
type it found and the rule, never a value: values are somebody's words, or the bot's key.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NoReturn

from bot.errors import Malformed
from bot.records import Message, MessageKind, Person

PLATFORM = "campfire"

#: Ids travel into 64-bit columns.
_ID_LIMIT = 2**63

#: Not white space to Unicode, but nothing to see either; a mention may leave them behind.
_ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"

#: How a sentence names the types of JSON.
_TYPE_NAMES: dict[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a string",
    bool: "a boolean",
    int: "a whole number",
    float: "a fraction",
    type(None): "null",
}


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
    fields = _read_object(body)
    event = _read_event(fields)
    if event != "message":
        return _read_other(fields, event)
    room = _section(fields, "room")
    room_id, room_path = _id(room, "room.id"), _optional_text(room, "room.path")
    return Delivery(
        event=event,
        message=_read_message(fields, room, bot=bot, received_at=received_at),
        room=str(room_id),
        room_path=room_path,
    )


def _read_message(
    fields: dict[str, Any], room: dict[str, Any], *, bot: str, received_at: datetime
) -> Message:
    user, message = _section(fields, "user"), _section(fields, "message")
    body = _section(message, "message.body")
    html, plain = _optional_text(body, "message.body.html", required=True), _plain(body)
    room_name = _optional_text(room, "room.name")
    message_id = _id(message, "message.id")
    return Message(
        platform=PLATFORM,
        bot=bot,
        room=str(room["id"]),
        room_name=room_name,
        direct=room_name is None,
        id=str(message_id),
        position=message_id,
        author=Person(id=str(_id(user, "user.id")), name=_text(user, "user.name")),
        kind=_kind(html, plain),
        text=plain,
        html=html,
        received_at=received_at,
    )


def _kind(html: str | None, plain: str) -> MessageKind:
    if html is None:
        return MessageKind.UPLOAD
    return MessageKind.TEXT if plain else MessageKind.BARE


def _read_event(fields: dict[str, Any]) -> str:
    """Name what the body is: "message" is the default, and a fork says it in another field."""
    kind = _optional_text(fields, "type") or "message"
    event = _optional_text(fields, "event") or "message_created"
    if kind != "message":
        return kind
    return "message" if event == "message_created" else event


def _read_other(fields: dict[str, Any], event: str) -> Delivery:
    """Keep of a body we do not know only what `verify` needs; the rest may look as it likes."""
    room = fields.get("room")
    if not isinstance(room, dict) or not isinstance(room.get("path"), str):
        return Delivery(event=event, message=None, room=None, room_path=None)
    return Delivery(
        event=event, message=None, room=str(_id(room, "room.id")), room_path=room["path"]
    )


def _read_object(body: bytes) -> dict[str, Any]:
    try:
        fields = _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Malformed(f"the body is not UTF-8 (byte {error.start}); send JSON in UTF-8") from None
    except json.JSONDecodeError as error:
        raise Malformed(f"the body is not JSON: {error.msg} at character {error.pos}") from None
    except ValueError:
        # Python's own limit on digits.
        raise Malformed("the body holds a number of thousands of digits") from None
    except RecursionError:
        raise Malformed("the body is nested too deep; a delivery needs four levels") from None
    if not isinstance(fields, dict):
        raise Malformed(f"the body is {_TYPE_NAMES[type(fields)]}; it must be an object")
    return fields


def _refuse_constant(name: str) -> NoReturn:
    raise Malformed(f"the body holds {name}, which is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _section(fields: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the object at *key*, a dotted name of which the last word is looked up."""
    value = fields.get(key.rpartition(".")[2])
    if not isinstance(value, dict):
        _refuse(fields, key, "an object")
    return value


def _id(fields: dict[str, Any], key: str) -> int:
    value = fields.get("id")
    # Not isinstance: true is an int to Python.
    if type(value) is not int:
        _refuse(fields, key, "a whole number above 0")
    if not 0 < value < _ID_LIMIT:
        raise Malformed(f"{key} is out of range; it must be above 0 and below 2^63")
    return value


def _text(fields: dict[str, Any], key: str) -> str:
    value = fields.get(key.rpartition(".")[2])
    if not isinstance(value, str):
        _refuse(fields, key, "a string")
    return _storable(value)


def _plain(body: dict[str, Any]) -> str:
    text = _text(body, "message.body.plain").strip()
    return text if text.strip(_ZERO_WIDTH) else ""


def _optional_text(fields: dict[str, Any], key: str, *, required: bool = False) -> str | None:
    """Return the string at *key*; null stands for absent, absent is refused if *required*."""
    name = key.rpartition(".")[2]
    value = fields.get(name)
    if value is None and (name in fields or not required):
        return None
    if not isinstance(value, str):
        _refuse(fields, key, "a string or null")
    return _storable(value)


def _storable(text: str) -> str:
    r"""Return *text* as UTF-8 and any database can hold it: no lone ``\ud800``, no NUL."""
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\0", "\ufffd")


def _refuse(fields: dict[str, Any], key: str, rule: str) -> NoReturn:
    name = key.rpartition(".")[2]
    found = f"is {_TYPE_NAMES[type(fields[name])]}" if name in fields else "is missing"
    raise Malformed(f"{key} {found}; it must be {rule}")
