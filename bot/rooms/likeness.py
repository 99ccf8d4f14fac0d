"""Whether two texts say the same, in any script: cheap, and by their beginnings only."""

import html
import re
import unicodedata
from functools import lru_cache
from typing import Final

#: Characters that are looked at.
_BEGINNING: Final = 300
#: Of what we said more: who repeats a part of it may begin anywhere.
_REPLY: Final = 600
#: What is shorter is an interjection, and like another one only if they are equal.
_SHORT: Final = 12
#: Who says so much in our own words repeats us; a few words are only an answer to a question.
_LONG: Final = 80
_ALIKE: Final = 0.8
_OURS: Final = 0.9

_TAG = re.compile(r"<[^>]*>?")
_GAP = re.compile(r"[\W_]+")


def alike(one: str, other: str) -> bool:
    """Whether two texts are the same or almost."""
    return words(one) == words(other) or _share(one, other) >= _ALIKE


def echoes(text: str, reply: str) -> bool:
    """Whether *text* gives back what *reply*, our own HTML, has said: all, or nothing but that."""
    said = html.unescape(_TAG.sub(" ", reply))
    if _share(text, said) >= _ALIKE:
        return True
    grams = _grams(text, _BEGINNING)
    return len(words(text)) >= _LONG and len(grams & _grams(said, _REPLY)) >= _OURS * len(grams)


def is_short(text: str) -> bool:
    """Whether *text* is so short that people say the same again."""
    return len(words(text)) < _SHORT


@lru_cache(maxsize=4096)
def words(text: str) -> str:
    """Return *text* without what can change while it says the same: case, punctuation, spaces."""
    plain = unicodedata.normalize("NFKC", text[: 2 * _REPLY]).casefold()
    return _GAP.sub(" ", plain).strip()


def _share(one: str, other: str) -> float:
    """Return how much two texts of some length have in common, from 0 to 1."""
    if is_short(one) or is_short(other):
        return 0.0
    mine, theirs = _grams(one, _BEGINNING), _grams(other, _BEGINNING)
    return 2 * len(mine & theirs) / (len(mine) + len(theirs))


@lru_cache(maxsize=4096)
def _grams(text: str, most: int) -> frozenset[str]:
    """Return all runs of three characters: they need no spaces between words."""
    plain = words(text)[:most]
    return frozenset(plain[start : start + 3] for start in range(len(plain) - 2))
