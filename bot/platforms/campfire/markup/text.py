"""Characters: what may be posted, what can be seen, how wide it is, and the ``/play`` guard."""

import html
import re
import unicodedata

#: C0 and C1 controls but tab and newline: no text, and some break XML, logs or terminals.
_CONTROLS = {code: " " for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}

#: Letters and marks by their category that show nothing.
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")

_INLINE_TAG = re.compile(r"</?(?:a|code|del|em|strong)\b[^>]*>")
_TAG = re.compile(r"<[^>]*>")
_SPACES = re.compile(r"\s+")

#: Tags and invisible characters before a slash that opens the text.
_SLASH_FIRST = re.compile(r"((?:<[^>]*>|[^<\w/])*)/")

_ZERO_WIDTH_SPACE = "\u200b"
_JOINER = "\u200d"
_EMOJI_STYLE = "\ufe0f"
_SKIN_TONES = range(0x1F3FB, 0x1F400)


def clean(text: str) -> str:
    r"""Return *text* with ``\n`` line ends, without control characters and lone surrogates."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROLS)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def text_of(markup: str) -> str:
    """Return the text of HTML that this package wrote (no ``>`` in its attributes)."""
    return html.unescape(_TAG.sub("\n", _INLINE_TAG.sub("", markup)))


def is_visible(text: str) -> bool:
    """Whether a reader sees anything of *text*."""
    return any(
        unicodedata.category(character)[0] not in "ZC" and character not in _BLANK_LETTERS
        for character in text
    )


def disarm(markup: str) -> str:
    """Return *markup* so that its text is not Campfire's ``/play`` command."""
    words = _SPACES.sub(" ", text_of(markup)).casefold()
    if not re.match(r"\W*/play\b", words):
        return markup
    return _SLASH_FIRST.sub(rf"\1/{_ZERO_WIDTH_SPACE}", markup, count=1)


def width(text: str) -> int:
    """Return the cells *text* takes in a fixed-width font: wide characters and emoji take two."""
    if text.isascii():
        return len(text)
    cells, previous = 0, ""
    for character in text:
        cells += _cells(character, previous)
        previous = character
    return cells


def _cells(character: str, previous: str) -> int:
    if character == _EMOJI_STYLE:
        # Turns a narrow sign such as a heart into an emoji.
        return 1 if previous and unicodedata.east_asian_width(previous) not in "WF" else 0
    if previous == _JOINER or ord(character) in _SKIN_TONES:
        return 0
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
