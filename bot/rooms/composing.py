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


def compose(
    markdown: str,
    *,
    bot: Bot,
    chat: Chat,
    answered: Sequence[Person],
    more: Sequence[str | File] = (),
) -> Composed:
    """Return a reply to the messages of *answered*; *more* comes after its text."""
    first, *others = chat.render(markdown)
    rest = (*others, *more)

    def naming(people: Sequence[Person]) -> tuple[str | File, ...]:
        return (chat.naming(first, people), *rest)

    return Composed(parts=(first, *rest), address=address(bot.reply.mention, answered, naming))


async def files_of(
    answer: Answer | None, *, bot: Bot, chat: Chat, answering: Answering
) -> tuple[str | File, ...]:
    """Return the files that came about with *answer*, after the names of those left out."""
    if answer is None:
        return ()
    made = await answering.made(answer, bot)
    if not made.left_out:
        return made.files
    names = ", ".join(f"`{name}`" for name in made.left_out)
    return (*chat.render(phrases_of(bot.language).left_out.format(names=names)), *made.files)
