"""Who decides that something is off the record."""

from dataclasses import replace

import pytest

from bot.config.bot import SessionRules
from bot.rooms.off_record import begins_off_record, with_record
from tests.rooms.people import a_bot, said


@pytest.mark.parametrize(
    "text",
    [
        "off the record",
        "Off the record: what is her name?",
        "OFF THE RECORD, hello",
        "off the\nrecord hello",
        "off-the-record: hello",
        "  “off the record” hello",
        "\u200boff the record hello",
        "(off the record) hello",
        "@Ada off the record: hello",
        "@Ada @Bo: off the record, hello",
    ],
)
def test_the_first_words_ask_for_it(text: str) -> None:
    """In whatever case and punctuation."""
    assert begins_off_record(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "is this off the record?",
        "off the recorder",
        "of the record",
        "hello\noff the record",
        "offtherecord",
        "@Ada what is off the record?",
        "x" * 100_000,
        "@" * 100_000,
        "@a " * 50_000,
    ],
)
def test_other_words_do_not(text: str) -> None:
    """Only the first ones count, and they are whole words."""
    assert not begins_off_record(text)


def test_a_message_is_marked_when_it_is_accepted() -> None:
    """By its author's words, or by its bot's file."""
    bot = a_bot()
    assert not with_record(bot, said("hello")).off_record
    assert with_record(bot, said("off the record, hello")).off_record
    silent = replace(bot, session=SessionRules(scope="room", ttl_s=1.0, record=False))
    assert with_record(silent, said("hello")).off_record
