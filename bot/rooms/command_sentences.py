"""How the answers to commands are put together of the phrases of a language."""

import re
from typing import Final

from bot.language.phrases import Phrases
from bot.rooms.commands import Command
from bot.rooms.element import visible

_MARKS: Final = re.compile(r"([!-/:-@\[-`{-~])")
_NAME_CHARACTERS: Final = 80


def explained(command: Command, phrases: Phrases, *, all_of_it: bool = False) -> str:
    """Return a line of the help; *all_of_it*: a stop that reaches everybody's messages."""
    return f"- **{command}** {_does(command, phrases, all_of_it=all_of_it)}"


def plain(name: str) -> str:
    """Return somebody's name as Markdown that says just that: it is free text.

    Without what turns the text around that comes after it.
    """
    return _MARKS.sub(r"\\\1", visible(name)[:_NAME_CHARACTERS])


def _does(command: Command, phrases: Phrases, *, all_of_it: bool) -> str:
    match command:
        case Command.STOP:
            return phrases.does_stop_all if all_of_it else phrases.does_stop
        case Command.NEW:
            return phrases.does_new
        case Command.STATUS:
            return phrases.does_status
        case Command.HELP:
            return phrases.does_help
        case Command.USAGE:
            return phrases.does_usage
