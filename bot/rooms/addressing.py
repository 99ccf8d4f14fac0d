"""Whom an answer names, so that everybody sees whose question it answers."""

from collections.abc import Sequence

from bot.config.bot import Naming
from bot.records import Person


def whom(naming: Naming, answered: Sequence[Person], *, spoken_between: bool) -> tuple[Person, ...]:
    """Return the people that a reply to *answered* begins with, each once.

    *spoken_between* says that somebody else spoke, or was answered, after they had asked. In a
    direct room of one person and a bot there is nobody else.
    """
    people = tuple({person.id: person for person in answered}.values())
    unclear = spoken_between or len(people) > 1
    return people if naming == "always" or (naming == "unclear" and unclear) else ()
