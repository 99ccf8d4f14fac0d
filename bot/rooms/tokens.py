"""How much a text costs the model, estimated without asking it, and texts cut to a price.

A quarter of a token for an ASCII character, a whole one for any other: about right for English, a
little too many for other languages and for Chinese, Japanese and Korean; never far too few.
"""

from itertools import accumulate

_ASCII_EACH = 4


def tokens_of(text: str) -> int:
    """Estimate the tokens of *text*, rounded up."""
    return -(-_quarters(text) // _ASCII_EACH)


def cut(text: str, tokens: int) -> str:
    """Return as much of the start of *text* as *tokens* pay for."""
    start = text[: tokens * _ASCII_EACH]
    if start.isascii():
        return start
    prices = accumulate(1 if character.isascii() else _ASCII_EACH for character in start)
    return start[: sum(price <= tokens * _ASCII_EACH for price in prices)]


def _quarters(text: str) -> int:
    if text.isascii():
        return len(text)
    ascii_characters = sum(map(str.isascii, text))
    return ascii_characters + (len(text) - ascii_characters) * _ASCII_EACH
