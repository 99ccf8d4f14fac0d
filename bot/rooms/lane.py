"""Which queue a message waits in."""

from enum import StrEnum

from bot.config.bot import Bot
from bot.journal.stops import COMMANDS
from bot.records import Message
from bot.rooms.commands import command_of


class Refused(StrEnum):
    """Why a message gets a sentence instead of a turn."""

    #: The bot answers only one at a time.
    BUSY = "busy"
    #: Too many of the same person's wait.
    EACH = "each"
    #: Too many wait in the room.
    ROOM = "room"


def lane_of(bot: Bot, message: Message) -> str:
    """Name the lane: the room with all its bots, or the room and this bot alone.

    The bot's commands have one of their own, so that they wait for no turn.
    """
    room = f"{message.platform}/{message.room}"
    if command_of(message) is not None:
        return f"{COMMANDS}{room}/{bot.id}"
    return room if bot.turn.lane == "room" else f"{room}/{bot.id}"


def refusal_lane(lane: str, message: Message, why: Refused) -> str:
    """Name the lane in which a person is told why their messages are refused.

    It is beside the one in which they would have waited, as those of commands are; and each person
    has one, so that nobody waits for a burst of somebody else's to end.
    """
    return f"{COMMANDS}{why}!{lane}/{message.bot}/{message.author.id}"


def why_refused(lane: str) -> Refused | None:
    """Say why what is in *lane* is refused; None: it is not."""
    why, _, _ = lane.removeprefix(COMMANDS).partition("!")
    return Refused(why) if lane.startswith(COMMANDS) and why in tuple(Refused) else None
