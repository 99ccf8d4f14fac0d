"""Whom an answer names, so that everybody sees whose question it answers."""

from collections.abc import Callable, Sequence

from bot.config.bot import Naming
from bot.journal.outgoing import Address
from bot.records import Person
from bot.records.file import File


def address(
    naming: Naming,
    answered: Sequence[Person],
    parts: Callable[[Sequence[Person]], Sequence[str | File]],
) -> Address | None:
    """Return whom a reply to *answered*, whose *parts* may name them, begins with; None: nobody.

    With several it is unclear whose question is answered, and also when somebody else spoke, or was
    answered, after they had asked. In a direct room of one person and a bot there is nobody else.
    """
    if naming == "never":
        return None
    people = tuple({person.id: person for person in answered}.values())
    if_unclear = naming == "unclear" and len(people) == 1
    return Address(people=people, if_unclear=if_unclear, naming=parts)
