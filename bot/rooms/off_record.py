"""What is said off the record: answered like anything else, and kept nowhere."""

import re
from dataclasses import replace

from bot.config.bot import Bot
from bot.records import Message

#: The first words, whatever stands around them; mentions may go before, where the text has any.
_FIRST_WORDS = re.compile(r"\W*(?:@\S+\W+){0,4}off[\s-]+the[\s-]+record\b", re.IGNORECASE)


def with_record(bot: Bot, message: Message) -> Message:
    """Return *message* with the decision whether it, and its answer, may be kept."""
    if bot.session.record and not begins_off_record(message.text):
        return message
    return replace(message, off_record=True)


def begins_off_record(text: str) -> bool:
    """Whether somebody wants *text* to be forgotten."""
    return _FIRST_WORDS.match(text[:200]) is not None
