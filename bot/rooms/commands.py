"""Commands: one exact word to a bot, with or without a slash, and who may use it.

Whatever else begins with a slash, such as ``/clear``, is text for the agent like any other.
"""

from enum import StrEnum
from typing import Final

from bot.config.bot import Bot
from bot.journal.orders import Order, Renew, Stop
from bot.records import Message, MessageKind


class Command(StrEnum):
    """What can be asked of the server itself."""

    #: Ends what runs and what waits, as far as it was said before.
    STOP = "stop"
    #: The session is replaced by a fresh one. Ends nothing: what was asked before is answered in
    #: the old one, and that is forgotten then.
    NEW = "new"
    STATUS = "status"
    HELP = "help"
    USAGE = "usage"


_WORDS: Final = {
    f"{slash}{command}{end}": command
    for command in Command
    for slash in ("", "/")
    for end in ("", ".", "!")
}
#: A command with some space around it; longer texts are not even looked at.
_MOST_CHARACTERS: Final = 20


def command_of(message: Message) -> Command | None:
    """Return the command that *message* is; None for anything else."""
    if len(message.text) > _MOST_CHARACTERS or message.kind is not MessageKind.TEXT:
        return None
    return _WORDS.get(message.text.strip().lower())


def may_use(bot: Bot, command: Command, person: str) -> bool:
    """Tell whether somebody may use *command*; "asker" is for all, and reaches less."""
    clearance = getattr(bot.commands, command)
    return clearance != "operators" or person in bot.commands.operators


def order_of(bot: Bot, command: Command, message: Message) -> Order | None:
    """Return what *command* does to other messages; None when it does nothing, or may not.

    With ``scope = "user"`` everybody reaches only what is their own, operators as well.
    """
    author = message.author.id
    if not may_use(bot, command, author):
        return None
    own = bot.session.scope == "user"
    match command:
        case Command.STOP:
            everybody = bot.commands.stop == "anyone" or author in bot.commands.operators
            return Stop(author=None if everybody and not own else author)
        case Command.NEW:
            return Renew(user=author if own else None)
        case _:
            return None
