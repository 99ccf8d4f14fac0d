"""Secrets out of text: known ones in every form they may take, and what looks like one."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote, quote_plus

#: What stands where a secret stood.
MARK = "<secret>"

#: A shorter one is no secret, and would blot out ordinary words.
_LEAST = 4
#: Up to this length a secret counts only as a word of its own: "true" in "construed" does not.
_SHORT = 8
#: A word this long within a secret is taken for one itself: the token after "Bearer", a line.
_LONG_WORD = 12

# Every alternative begins with a plain character: that is what keeps the search fast.
_LOOKALIKES = (
    r"/rooms/(?P<room>[^/\s]+)/\d+-\w+",  # a bot's key in Campfire's addresses
    r"secret=(?P<query>)[^&\s\"'\\]+",  # the webhook's query, right or mistyped
    r"Bearer (?P<bearer>)[^\s\"'\\]+",
    r"sk-ant-(?P<model>)[\w-]+",
)


class Redaction:
    """Takes secrets out of text. Cheap enough for every line of the log.

    What was a secret once stays one: a replaced key may still stand in a request on its way.
    """

    def __init__(self, secrets: Callable[[], Iterable[str]] = tuple) -> None:
        self._secrets = secrets
        self._current: tuple[str, ...] = ()
        self._ever: frozenset[str] = frozenset()
        self._pattern = _pattern(())

    def __call__(self, text: str) -> str:
        """Return *text* with a mark in place of every secret."""
        current = tuple(self._secrets())
        if current != self._current:
            self._current = current
            self._ever |= frozenset(current)
            self._pattern = _pattern(self._ever)
        return self._pattern.sub(_marked, text)


def _marked(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "room":
            return f"/rooms/{found['room']}/{MARK}"
        case "query":
            return f"secret={MARK}"
        case "bearer":
            return f"Bearer {MARK}"
        case None if len(found[0]) < _SHORT and _within_a_word(found):
            return found[0]
    return MARK


def _within_a_word(found: re.Match[str]) -> bool:
    """Whether a match is a part of something longer, as "true" is of "construed"."""
    before = found.string[found.start() - 1 : found.start()]
    after = found.string[found.end() : found.end() + 1]
    return bool(re.match(r"\w", before) or re.match(r"\w", after))


def _pattern(secrets: Iterable[str]) -> re.Pattern[str]:
    """Compile one pattern for all; the longest first, lest a part of it stop the search."""
    forms = {form for secret in secrets for form in _forms(secret) if len(form) >= _LEAST}
    known = (re.escape(form) for form in sorted(forms, key=lambda form: (-len(form), form)))
    return re.compile("|".join((*known, *_LOOKALIKES)))


def _forms(secret: str) -> Iterator[str]:
    """Yield how *secret* looks as it is, in a ``repr``, in JSON, in an address, and in pieces."""
    words = (word for word in secret.split() if len(word) >= _LONG_WORD)
    for text in (secret.strip(), *words):
        yield text
        yield repr(text)[1:-1]
        yield json.dumps(text)[1:-1]
        yield quote(text, safe="", errors="replace")
        yield quote_plus(text, errors="replace")
