"""What is said off the record: answered like anything else, and kept nowhere."""

import re
from dataclasses import replace
from itertools import dropwhile

from bot.config.bot import Bot
from bot.records import Message

_WORDS = ["off", "the", "record"]
_WORD = re.compile(r"@?\w+")
#: They stand at the start.
_LOOKED_AT = 200


def with_record(bot: Bot, message: Message) -> Message:
    """Return *message* with the decision whether it, and its answer, may be kept."""
    if bot.session.record and not begins_off_record(message.text):
        return message
    return replace(message, off_record=True)


def begins_off_record(text: str) -> bool:
    """Whether the first words of *text*, after mentions, ask for it to be forgotten."""
    start = text[:_LOOKED_AT].casefold()
    if _WORDS[-1] not in start:
        return False  # nearly always; and this is done for every message
    words = _WORD.findall(start)
    said = list(dropwhile(lambda word: word.startswith("@"), words))
    return said[: len(_WORDS)] == _WORDS
