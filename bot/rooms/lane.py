"""Which queue a message waits in."""

from enum import StrEnum

from bot.config.bot import Bot
from bot.records import Message

#: How the names of lanes beside the rooms' begin; those begin with a platform's name.
_BESIDE = "!"


class Refused(StrEnum):
    """Why a message gets a sentence instead of a turn."""

    #: The bot answers only one at a time.
    BUSY = "busy"
    #: Too many of the same person's wait.
    EACH = "each"
    #: Too many wait in the room.
    ROOM = "room"


def lane_of(bot: Bot, message: Message) -> str:
    """Name the lane: the room with all its bots, or the room and this bot alone."""
    room = f"{message.platform}/{message.room}"
    return room if bot.turn.lane == "room" else f"{room}/{bot.id}"


def refusal_lane(lane: str, message: Message, why: Refused) -> str:
    """Name the lane in which a person is told why their messages are refused.

    It is beside the one in which they would have waited, and each person has one, so that nobody
    waits for a burst of somebody else's to end.
    """
    return f"{_BESIDE}{why}!{lane}/{message.bot}/{message.author.id}"


def why_refused(lane: str) -> Refused | None:
    """Say why what is in *lane* is refused; None: it is not."""
    beside, _, rest = lane.partition(_BESIDE)
    why, _, _ = rest.partition("!")
    return Refused(why) if not beside and why in tuple(Refused) else None
