"""What is posted of a reply: its text, which names whom it has to, and then files."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.config.bot import Bot
from bot.journal.outgoing import Address
from bot.language.catalogue import phrases_of
from bot.records import Person
from bot.records.file import File
from bot.rooms.addressing import address
from bot.rooms.answering import Answer, Answering
from bot.rooms.posting import Chat


@dataclass(frozen=True, kw_only=True, slots=True)
class Composed:
    """A reply, ready to be frozen."""

    #: Texts and files, in order.
    parts: tuple[str | File, ...]
    #: Whom it may have to name.
    address: Address | None


class Composing:
    """Puts replies together, before they are frozen."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering

    async def reply(
        self,
        markdown: str,
        *,
        bot: Bot,
        chat: Chat,
        answered: Sequence[Person],
        answer: Answer | None,
    ) -> Composed:
        """Return a reply to the messages of *answered*.

        *answer* is the agent's, when it is one: with it, files may have come about.
        """
        first, *others = chat.render(markdown)
        rest = (*others, *await self._made(answer, bot, chat))

        def naming(people: Sequence[Person]) -> tuple[str | File, ...]:
            return (chat.naming(first, people), *rest)

        return Composed(parts=(first, *rest), address=address(bot.reply.mention, answered, naming))

    async def _made(self, answer: Answer | None, bot: Bot, chat: Chat) -> tuple[str | File, ...]:
        """Return the files of an answer, after the names of those that are left out."""
        if answer is None:
            return ()
        made = await self._answering.made(answer, bot)
        if not made.left_out:
            return made.files
        names = ", ".join(f"`{name}`" for name in made.left_out)
        return (*chat.render(phrases_of(bot.language).left_out.format(names=names)), *made.files)
