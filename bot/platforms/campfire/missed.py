"""Turn a message of a room's history into what its webhook would have said. Pure."""

from datetime import datetime

from bot.platforms.campfire.delivery import PLATFORM, kind_of
from bot.platforms.campfire.fields import trimmed
from bot.platforms.campfire.mentions import mentioned
from bot.records import Message, RoomMessage


def is_addressed(message: RoomMessage, *, user: str, direct: bool) -> bool:
    """Whether Campfire calls the bot that is *user* for *message*.

    It does for everything in a direct room, and for a mention elsewhere; of somebody's edit, which
    calls nobody, the history shows only the result.
    """
    return direct or user in mentioned(message.html or "")


def as_delivered(
    message: RoomMessage,
    *,
    bot: str,
    bot_name: str,
    room: str,
    room_name: str | None,
    direct: bool,
    received_at: datetime,
) -> Message:
    """Return *message* as its delivery to *bot*, called *bot_name* in Campfire, would read."""
    words = _without_mention(message.plain, bot_name)
    return Message(
        platform=PLATFORM,
        bot=bot,
        room=room,
        room_name=room_name,
        direct=direct,
        id=message.id,
        position=message.position,
        author=message.author,
        kind=kind_of(message.html, words),
        text=words,
        html=message.html,
        received_at=received_at,
    )


def _without_mention(plain: str, name: str) -> str:
    # Inside of longer words too: of "@Adam", a bot called Ada hears "m", then as now.
    return trimmed(plain.replace(f"@{name}", "") if name else plain)
