"""What is posted of a reply: its text, which names whom it has to, and then files."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.config.bot import Bot
from bot.journal.journal import Journal
from bot.language.catalogue import phrases_of
from bot.records import Entry, Person
from bot.records.file import File
from bot.rooms.addressing import whom
from bot.rooms.answering import Answer, Answering
from bot.rooms.posting import Chat


@dataclass(frozen=True, kw_only=True, slots=True)
class Composed:
    """A reply as it is going to be posted."""

    #: HTML, and files.
    parts: tuple[str | File, ...]
    #: Whether it names somebody, who is to be notified.
    names: bool


class Composing:
    """Puts replies together, before they are frozen."""

    def __init__(self, journal: Journal, answering: Answering) -> None:
        self._journal = journal
        self._answering = answering

    async def reply(
        self,
        entry: Entry,
        markdown: str,
        *,
        bot: Bot,
        chat: Chat,
        answered: Sequence[Person],
        answer: Answer | None,
    ) -> Composed:
        """Return the reply to the messages of *answered*.

        *answer* is the agent's, when it is one: with it, files may have come about.
        """
        named = await self._named(entry, answered, bot)
        text = chat.render(markdown, to=named)
        if answer is None:
            return Composed(parts=text, names=bool(named))
        made = await self._answering.made(answer, bot)
        if made.left_out:
            names = ", ".join(f"`{name}`" for name in made.left_out)
            text += chat.render(phrases_of(bot.language).left_out.format(names=names))
        return Composed(parts=(*text, *made.files), names=bool(named))

    async def _named(
        self, entry: Entry, answered: Sequence[Person], bot: Bot
    ) -> tuple[Person, ...]:
        """Find out whom the reply has to name. No bot: a mention would call it."""
        naming, outgoing = bot.reply.mention, self._journal.outgoing
        between = naming == "unclear" and await outgoing.spoken_between(entry)
        named = whom(naming, answered, spoken_between=between)
        return await outgoing.people(bot.platform, named) if named else ()
