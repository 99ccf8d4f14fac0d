"""Whom an answer names."""

import pytest

from bot.config.bot import Naming
from bot.records import Person
from bot.rooms.addressing import whom
from tests.rooms.people import KIM, LEE


@pytest.mark.parametrize(
    ("naming", "answered", "between", "named"),
    [
        ("always", [KIM], False, [KIM]),
        ("always", [KIM, LEE, KIM], False, [KIM, LEE]),
        ("never", [KIM, LEE], True, []),
        ("unclear", [KIM], False, []),
        ("unclear", [KIM], True, [KIM]),
        ("unclear", [KIM, KIM], False, []),
        ("unclear", [KIM, LEE], False, [KIM, LEE]),
    ],
)
def test_whom(
    naming: Naming,
    answered: list[Person],
    between: bool,  # noqa: FBT001 - parametrized
    named: list[Person],
) -> None:
    """Everybody once, when it is asked for, or when one could not see whose question it was."""
    assert list(whom(naming, answered, spoken_between=between)) == named


def test_a_changed_name_is_one_person() -> None:
    """Two messages of one person under two names are answered to one."""
    renamed = Person(id=KIM.id, name="Kimberly")
    assert whom("always", [KIM, renamed], spoken_between=False) == (renamed,)
