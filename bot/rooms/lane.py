"""Which queue a message waits in."""

from bot.config.bot import Bot
from bot.journal.stops import COMMANDS
from bot.records import Message
from bot.rooms.commands import command_of


def lane_of(bot: Bot, message: Message) -> str:
    """Name the lane: the room with all its bots, or the room and this bot alone.

    The bot's commands have one of their own, so that they wait for no turn.
    """
    room = f"{message.platform}/{message.room}"
    if command_of(message) is not None:
        return f"{COMMANDS}{room}/{bot.id}"
    return room if bot.turn.lane == "room" else f"{room}/{bot.id}"
