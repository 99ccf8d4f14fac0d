"""Whom an answer names."""

import pytest

from bot.config.bot import Naming
from bot.records import Person
from bot.rooms.addressing import address
from tests.rooms.people import KIM, LEE


@pytest.mark.parametrize(
    ("naming", "answered", "named", "if_unclear"),
    [
        ("always", [KIM], [KIM], False),
        ("always", [KIM, LEE, KIM], [KIM, LEE], False),
        ("unclear", [KIM], [KIM], True),
        ("unclear", [KIM, KIM], [KIM], True),
        ("unclear", [KIM, LEE], [KIM, LEE], False),
    ],
)
def test_whom(
    naming: Naming,
    answered: list[Person],
    named: list[Person],
    if_unclear: bool,  # noqa: FBT001 - parametrized
) -> None:
    """Everybody once, when it is asked for, or when one could not see whose question it was."""
    found = address(naming, answered, lambda _: ())
    assert found is not None
    assert (list(found.people), found.if_unclear) == (named, if_unclear)


def test_nobody() -> None:
    """A bot may be told to name nobody, whoever spoke."""
    assert address("never", [KIM, LEE], lambda _: ()) is None


def test_a_changed_name_is_one_person() -> None:
    """Two messages of one person under two names are answered to one."""
    renamed = Person(id=KIM.id, name="Kimberly")
    found = address("always", [KIM, renamed], lambda _: ())
    assert found is not None
    assert found.people == (renamed,)
