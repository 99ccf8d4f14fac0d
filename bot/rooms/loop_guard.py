"""Ends conversations of machines: reads what the rule needs, and asks who is a bot."""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

import structlog

from bot.config.bot import Bot, LoopRules
from bot.errors import ChatError
from bot.journal.journal import Journal
from bot.journal.views import Dialogue
from bot.language.catalogue import phrases_of
from bot.records import Entry, Message, RoomMessage
from bot.rooms.commands import command_of
from bot.rooms.loops import Held, Word, judge, leeway, reach, run, wants_more

log = structlog.get_logger(__name__)

#: Rounds that are read at first; nearly always, that is enough.
_FEW: Final = 8
_MORE: Final = 5
#: Characters of a message that are compared.
_BEGINNING: Final = 300
#: Authors, or rooms, that are remembered at most.
_MOST: Final = 10_000

#: Bot, room and the rules that the bot's file gave.
_Place = tuple[str, str, LoopRules]


class Readable(Protocol):
    """A platform, as far as it tells bots from people."""

    async def history(
        self, *, room: str, key: str, after: str | None = None, before: str | None = None
    ) -> tuple[RoomMessage, ...] | None:
        """Return the newest page of a room; None where there is no history."""
        ...


class LoopGuard:
    """Says which messages only keep a loop going.

    What it goes by is in the journal. It remembers only what spares a look into it.
    """

    def __init__(
        self,
        journal: Journal,
        chats: Mapping[str, Readable],
        *,
        on_hold: Callable[[str], None] = lambda _what: None,
    ) -> None:
        self._journal = journal
        self._chats = chats
        self._on_hold = on_hold
        #: Authors of whom the platform has said, by now, what it knows.
        self._asked: set[tuple[str, str]] = set()
        #: So many more messages are let through for certain.
        self._leeway: dict[_Place, int] = {}

    async def hold(self, entry: Entry, bot: Bot) -> Held | None:
        """Return why *entry* gets no answer; None when it is to be answered."""
        place = (bot.id, entry.message.room, bot.loops)
        left = self._leeway.pop(place, 0)
        if left or entry.attempts:  # those were let through before the server went away
            self._keep(place, left - 1)
            return None
        word, dialogue = await self._read(entry, bot)
        if self._is_suspect(word, dialogue, bot) and await self._ask(entry.message, bot):
            word, dialogue = await self._read(entry, bot)
        held = judge(word, dialogue, bot.loops, notice=phrases_of(bot.language).looped)
        if command_of(entry.message) is not None and not word.by_bot:
            return None  # whoever is taken for a machine can still stop what runs
        if held is None:
            self._keep(place, leeway(word, dialogue, bot.loops))
        else:
            self._note(entry, held)
        return held

    def trusts(self, message: Message, bot: Bot) -> bool:
        """Whether *message*, if it is next in its room, is let through for certain."""
        return self._leeway.get((bot.id, message.room, bot.loops), 0) > 0

    def _keep(self, place: _Place, left: int) -> None:
        if left > 0:
            if len(self._leeway) >= _MOST:
                self._leeway.clear()
            self._leeway[place] = left

    def _note(self, entry: Entry, held: Held) -> None:
        self._on_hold("skipped" if held.told else "announced")
        if not held.told:
            message = entry.message
            log.warning("loop_ended", bot=message.bot, author=message.author.id, why=held.reason)

    async def _read(self, entry: Entry, bot: Bot) -> tuple[Word, Dialogue]:
        """Read back as far as the rule asks for."""
        message, most, far = entry.message, _FEW, reach(bot.loops)
        while True:
            dialogue = await self._journal.dialogues.before(message, most=most)
            word = Word(
                author=message.author.id,
                by_bot=dialogue.by_bot,
                text=None if message.off_record else message.text[:_BEGINNING],
                at=entry.accepted_at.timestamp(),
            )
            if most >= far or len(dialogue.rounds) < most or not wants_more(word, dialogue):
                return word, dialogue
            most = min(_MORE * most, far)

    def _is_suspect(self, word: Word, dialogue: Dialogue, bot: Bot) -> bool:
        """Whether it is time to ask who that is, who has the bot for themselves."""
        if word.by_bot or (bot.platform, word.author) in self._asked:
            return False
        return len(run(word, dialogue.rounds)) >= bot.loops.depth

    async def _ask(self, message: Message, bot: Bot) -> bool:
        """Ask the platform who is a bot; False when it does not say. Once for each author."""
        chat, author = self._chats[bot.platform], (bot.platform, message.author.id)
        try:
            found = await chat.history(room=message.room, key=bot.credentials.key)
        except ChatError as error:
            log.warning("author_unknown", bot=bot.id, room=message.room, why=str(error))
            found = ()
        if found is None:
            return False  # nor does it cost anything to ask a platform that has no history
        if len(self._asked) >= _MOST:
            self._asked.clear()
        self._asked.add(author)
        await self._journal.dialogues.note_bots(bot.platform, found)
        return True
