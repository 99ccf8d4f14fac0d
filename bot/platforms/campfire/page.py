"""Read a page of a room's history, as the bot API returns it. Pure: bytes in, records out."""

from datetime import UTC, datetime

from bot.errors import Malformed
from bot.platforms.campfire.fields import (
    Fields,
    identity,
    optional_text,
    read_objects,
    section,
    text,
)
from bot.records import Person, RoomMessage

#: Campfire's view puts this around what is stored, and around nothing for an upload.
_FRAME = ('<div class="trix-content">', "</div>")


def parse_page(body: bytes, *, room: str) -> tuple[RoomMessage, ...]:
    """Read *body*, a page of *room*, in its order. Raises `Malformed`, whatever it holds.

    The role of an author is not optional: it is what keeps bots from answering each other.
    """
    return tuple(_read_message(fields, room) for fields in read_objects(body))


def _read_message(fields: Fields, room: str) -> RoomMessage:
    creator, body = section(fields, "creator"), section(fields, "body")
    if str(identity(section(fields, "room"), "room.id")) != room:
        raise Malformed("room.id is another room's; it must be that of the room that is read")
    position, plain = identity(fields, "message.id"), text(body, "body.plain_text")
    return RoomMessage(
        id=str(position),
        position=position,
        author=Person(id=str(identity(creator, "creator.id")), name=text(creator, "creator.name")),
        by_bot=text(creator, "creator.role") == "bot",
        html=_stored(optional_text(body, "body.html", required=True) or "", plain),
        plain=plain,
        created_at=_moment(text(fields, "message.created_at")),
    )


def _stored(html: str, plain: str) -> str | None:
    """Return what stands in the frame; None for an upload, which has a name and no HTML."""
    start, end = _FRAME
    bare = html.strip()
    if bare.startswith(start) and bare.endswith(end):
        bare = bare[len(start) : -len(end)].strip()
    return None if plain and not bare else bare


def _moment(written: str) -> datetime:
    try:
        moment = datetime.fromisoformat(written)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # said below
    raise Malformed("created_at is not a moment; it must be ISO 8601 with its offset from UTC")
