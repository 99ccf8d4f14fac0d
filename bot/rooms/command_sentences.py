"""What a command is answered. The templates are for `str.format`."""

import re
from typing import Final

from bot.rooms.commands import Command

STOPPED_ONE: Final = "I have stopped."
STOPPED_MANY: Final = "I have stopped. That ended {count} messages."
NOTHING_TO_STOP: Final = "There was nothing of yours to stop."

RENEWED: Final = "This is a new conversation. I have forgotten the one before."
RENEWED_LATER: Final = (
    "This is a new conversation. I finish what was asked before, and then forget it."
)

RUNNING: Final = "I am answering {name}, for {seconds} s now."
QUIET: Final = "I am not answering anything right now."
WAITING_ONE: Final = "One message waits."
WAITING_MANY: Final = "{count} messages wait."
SESSION_HOT: Final = "Our conversation is open. Answers in it so far: {turns}."
SESSION_WARM: Final = (
    "Our conversation is put aside, and goes on from there. Answers in it so far: {turns}."
)
SESSION_COLD: Final = "The next message begins a new conversation."

USAGE: Final = "Answers in this conversation: {turns}, for {dollars} US dollars."
USAGE_ALL: Final = (
    "Answers in all my conversations that are kept ({sessions}): {turns}, for {dollars} US dollars."
)

HELP: Final = "Write what you need after my name. These words, alone after it, I obey at once:"
_EXPLAINED: Final = {
    Command.STOP: "ends what you have asked and I have not answered yet.",
    Command.NEW: "begins a new conversation, and forgets this one once I have answered what was"
    " asked before.",
    Command.STATUS: "tells what I am doing.",
    Command.HELP: "tells this.",
    Command.USAGE: "tells how much this conversation has cost.",
}
STOPS_ALL: Final = "ends whatever I have been asked here and have not answered yet."

NOT_ALLOWED: Final = 'You may not use "{command}" here. An operator can.'

_MARKS: Final = re.compile(r"([!-/:-@\[-`{-~])")
_NAME_CHARACTERS: Final = 80


def explained(command: Command, *, all_of_it: bool = False) -> str:
    """Return a line of the help; *all_of_it*: a stop that reaches everybody's messages."""
    says = STOPS_ALL if command is Command.STOP and all_of_it else _EXPLAINED[command]
    return f"- **{command}** {says}"


def plain(name: str) -> str:
    """Return somebody's name as Markdown that says just that: it is free text."""
    return _MARKS.sub(r"\\\1", " ".join(name.split())[:_NAME_CHARACTERS])
