"""What a text costs, and what a price pays for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rooms.tokens import cut, tokens_of


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("a", 1), ("tea!", 1), ("teas!", 2), ("茶", 1), ("茶 tea", 2)]
)
def test_a_text_costs_by_its_script(text: str, tokens: int) -> None:
    """Four ASCII characters are a token, and each other one is."""
    assert tokens_of(text) == tokens


@given(text=st.text(), tokens=st.integers(min_value=0, max_value=50))
def test_a_cut_text_is_the_longest_start_that_is_paid_for(text: str, tokens: int) -> None:
    """It never costs more, and one character more would."""
    start = cut(text, tokens)
    assert text.startswith(start)
    assert tokens_of(start) <= tokens
    assert start == text or tokens_of(text[: len(start) + 1]) > tokens
