"""Knowing by their numbers that between two messages nobody has spoken."""

from dataclasses import replace

import pytest

from bot.records import Message
from bot.rooms.silence import Silence
from tests.rooms.people import said

NOW = said(number=9)


def known(*messages: Message) -> Silence:
    """Return what has heard *messages*."""
    silence = Silence()
    for message in messages:
        silence.said(message)
    return silence


def test_the_next_number() -> None:
    """There is nothing in between."""
    assert known().lasts(NOW, since=8)


def test_a_number_that_nobody_knows() -> None:
    """Somebody may have spoken."""
    assert not known(said(number=7)).lasts(NOW, since=6)
    assert known(said(number=7), said(number=8)).lasts(NOW, since=6)


@pytest.mark.parametrize(
    ("said_to", "room", "lasts"),
    [("ada", "42", True), ("bo", "42", False), ("bo", "43", True), ("ada", "43", True)],
)
def test_what_another_bot_was_asked(said_to: str, room: str, *, lasts: bool) -> None:
    """It is talk to Ada where she could hear it, and nothing to her elsewhere."""
    silence = known(replace(said(number=8), bot=said_to, room=room))
    assert silence.lasts(NOW, since=7) is lasts


def test_what_several_bots_were_asked() -> None:
    """Ada is one of them."""
    silence = known(said(number=8), replace(said(number=8), bot="bo"))
    assert silence.lasts(NOW, since=7)


@pytest.mark.parametrize(("bot", "lasts"), [("ada", True), ("bo", False)])
def test_what_a_bot_has_posted(bot: str, *, lasts: bool) -> None:
    """Ada knows what she has said; what Bo says she hears from the room."""
    silence = Silence()
    silence.posted(replace(said(number=7), bot=bot), "8")
    silence.posted(said(number=7), None)
    assert silence.lasts(NOW, since=7) is lasts


def test_other_platforms_count_for_themselves() -> None:
    """Their numbers say nothing of ours."""
    assert not known(replace(said(number=8), platform="other")).lasts(NOW, since=7)


def test_what_is_known_is_bounded() -> None:
    """What was long ago is asked for, and so is a long silence."""
    silence = Silence()
    for number in range(10_000):
        silence.said(said(number=number))
    assert silence.lasts(said(number=10_000), since=9_900)
    assert not silence.lasts(said(number=10_000), since=9_000)
    assert not silence.lasts(said(number=8_001), since=7_999)
