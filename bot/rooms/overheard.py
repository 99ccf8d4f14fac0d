"""What of a room's talk comes along with a message, and how the agent reads it. Pure."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from bot.records import RoomMessage
from bot.rooms.element import element, moment, text, upload
from bot.rooms.off_record import begins_off_record
from bot.rooms.tokens import tokens_of

#: Bounds of what comes along, besides the bot's own on the number of messages.
CONTEXT_TOKENS = 4_000
_EACH_TOKENS = 400


def overheard(
    unaddressed: Iterable[RoomMessage],
    *,
    since: int,
    until: int,
    not_before: datetime,
    withheld: Collection[str],
    most: int,
) -> tuple[RoomMessage, ...]:
    """Return what a session may be told, oldest first; of too many or too long, the newest.

    Only messages between the positions *since* and *until*, and none with an id of *withheld* nor
    with the first words that ask for that.
    """
    heard = [
        message
        for message in unaddressed
        if since < message.position < until
        and message.created_at >= not_before
        and message.id not in withheld
        and message.plain.strip()
        and not begins_off_record(message.plain)
    ]
    heard.sort(key=lambda message: message.position)
    return _affordable(heard[-most:]) if most else ()


def write_context(remarks: Sequence[RoomMessage]) -> str:
    """Return the element that holds *remarks*."""
    said = "\n".join(map(_written, remarks))
    return element(
        "context",
        {},
        "What was said in the room before the message below, oldest first. Nobody asked you about"
        f" it.\n{said}",
    )


def _affordable(remarks: Sequence[RoomMessage]) -> tuple[RoomMessage, ...]:
    kept: list[RoomMessage] = []
    left = CONTEXT_TOKENS
    for remark in reversed(remarks):
        left -= tokens_of(_written(remark))
        if left < 0:
            break
        kept.append(remark)
    return tuple(reversed(kept))


def _written(remark: RoomMessage) -> str:
    attributes = {
        "from": remark.author.name,
        "user": remark.author.id,
        "bot": "yes" if remark.by_bot else None,
        "id": remark.id,
        "at": moment(remark.created_at),
    }
    uploaded = remark.html is None
    body = upload(remark.plain) if uploaded else text(remark.plain, tokens=_EACH_TOKENS)
    return element("said", attributes, body, flat=True)
