"""Text of unknown origin made harmless for a log: one line, nothing a terminal acts on, bounded."""

import re

#: What ends a line, moves the cursor, turns the direction of writing, or cannot be seen.
_UNSAFE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # control characters, the escape of terminals among them
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction marks
    "\u2028\u2029"  # line ends of Unicode
    "\u200b-\u200d\u2060-\u2065\ufeff\U000e0000-\U000e007f"  # invisible
    "\ud800-\udfff"  # half characters, which no stream can write
    "]"
)
_NAMED = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def escape(text: str) -> str:
    r"""Write what is unsafe as ``\n``, ``\x1b`` or ``\u202e``; the rest stays as it is."""
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code <= 0xFF:  # noqa: PLR2004 - two digits are enough up to here
        return _NAMED.get(found[0], f"\\x{code:02x}")
    return f"\\u{code:04x}"


def cut(text: str, limit: int) -> str:
    """Keep the beginning of *text*, and say how much is missing."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text) - limit} more)"


def cut_middle(text: str, limit: int) -> str:
    """Keep both ends of *text*: of a traceback, where it began and what it came to."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n… ({len(text) - 2 * half} more) …\n{text[-half:]}"
