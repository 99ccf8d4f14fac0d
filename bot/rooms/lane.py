"""Which queue a message waits in."""

from bot.config.bot import Bot
from bot.records import Message


def lane_of(bot: Bot, message: Message) -> str:
    """Name the lane: the room with all its bots, or the room and this bot alone."""
    room = f"{message.platform}/{message.room}"
    return room if bot.turn.lane == "room" else f"{room}/{bot.id}"
