"""What is answered in one turn with a message: what waits behind it, if the bot wants that.

With ``collect`` it is all that waits for the session; with ``steer`` and ``interrupt``, what the
same person has said meanwhile, who may add to a turn that runs as well.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from bot.config.bot import Bot
from bot.journal.journal import Journal
from bot.journal.stops import COMMANDS
from bot.records import AttemptState, Entry, Message, MessageKind
from bot.rooms.commands import command_of

#: Most messages of one turn, and most characters in them: the rest has a turn of its own.
MOST_MESSAGES: Final = 50
MOST_CHARACTERS: Final = 30_000


async def gather(journal: Journal, entry: Entry, bot: Bot) -> Entry:
    """Return *entry* with what shall be answered with it.

    A turn that a crash broke off is asked again as it was.
    """
    last = entry.attempts[-1].state if entry.attempts else AttemptState.FAILED
    if bot.turn.when_busy in ("queue", "reject") or last is not AttemptState.FAILED:
        return entry
    if not askable(entry):
        return entry
    found = await journal.companions.candidates(
        entry, author=whose(bot, entry), limit=MOST_MESSAGES
    )
    return replace(entry, companions=(*entry.companions, *_fitting(entry, found)))


def is_plain(message: Message, lane: str, bot: Bot) -> bool:
    """Whether *message* is answered alone, from its text, by asking the agent."""
    waits = bot.turn.when_busy in ("queue", "reject") and not lane.startswith(COMMANDS)
    plain = message.kind is MessageKind.TEXT and not message.off_record
    return waits and plain and command_of(message) is None


def whose(bot: Bot, entry: Entry) -> str | None:
    """Name whose messages share a turn with *entry*; None: everybody's."""
    shared = bot.turn.when_busy == "collect" and bot.session.scope == "room"
    return None if shared else entry.message.author.id


def askable(entry: Entry) -> bool:
    """Whether it may share a prompt: not a bare name, nor what is off the record."""
    return entry.message.kind is not MessageKind.BARE and not entry.message.off_record


def _fitting(entry: Entry, found: tuple[Entry, ...]) -> Iterator[Entry]:
    """Yield what comes first, as far as there is room for it."""
    messages = 1 + len(entry.companions)
    characters = sum(len(message.text) for message in entry.messages)
    for one in filter(askable, found):
        messages, characters = messages + 1, characters + len(one.message.text)
        if messages > MOST_MESSAGES or characters > MOST_CHARACTERS:
            return
        yield one
