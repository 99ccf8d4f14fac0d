"""Which texts say the same."""

import pytest

from bot.rooms.likeness import alike, echoes

TEA = "The tea is cold, the milk is sour and nobody has seen the sugar since Monday."
LONG = f"{TEA} Whoever finds it may keep it, as long as there is some for everybody on Friday."


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ok", "OK!"),
        ("", ""),
        ("👍", "🎉"),
        (TEA, TEA.upper()),
        (TEA, f"{TEA} Indeed!"),
        ("I am away until Monday (ticket 4711).", "I am away until Monday (ticket 4712)."),
        ("我现在不在办公室，请星期一再联系我。", "我现在不在办公室，请星期二再联系我。"),  # noqa: RUF001 - Chinese
    ],
)
def test_these_are_alike(one: str, other: str) -> None:
    """Neither case nor punctuation nor a few characters make a difference."""
    assert alike(one, other)
    assert alike(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("yes", "no"),
        ("page 1", "page 2"),
        (TEA, "The coffee is hot, thank you, and so is the soup that Lee has made for us."),
        (TEA, LONG),
        ("早上好，今天天气怎么样，要带伞吗？", "晚上一起吃饭吗，我知道一家新店。"),  # noqa: RUF001 - Chinese
    ],
)
def test_these_are_not(one: str, other: str) -> None:
    """A short text is like no other one."""
    assert not alike(one, other)


def test_our_words_given_back_are_an_echo() -> None:
    """Whole, or without markup, or a long piece of them and nothing else."""
    reply = f"<p>{LONG.replace('the sugar', '<strong>the sugar</strong>')}</p>"
    assert echoes(LONG, reply)
    assert echoes(f"{LONG} I see.", reply)
    assert echoes(LONG[60:], f"<p>And so it goes on: {LONG}</p>")


def test_an_answer_in_our_words_is_no_echo() -> None:
    """People choose what they are offered, and quote what they talk about."""
    reply = "<p>Shall I write down the release notes of March, or the release notes of April?</p>"
    assert not echoes("the release notes of March", reply)
    assert not echoes("ok", "<p>ok</p>")
    quoted = "you said that the tea is cold and the milk is sour, but it was me who found the sugar"
    assert not echoes(quoted, f"<p>{LONG}</p>")


def test_a_large_text_is_looked_at_in_part() -> None:
    """Nobody can keep the server busy with it."""
    assert alike("x y " * 100_000, "x y " * 200_000)
    assert echoes("The tea is cold. " * 10_000, f"<p>{'The tea is cold. ' * 50}")
