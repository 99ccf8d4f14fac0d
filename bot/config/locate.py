"""On which line a key of a TOML or JSON text stands. The text has been parsed without error."""

import json
import re
from collections.abc import Iterator, Mapping

from bot.config.sentences import KeyPath

#: Lines by the way to a key. Indices of lists are left out for TOML.
Lines = Mapping[KeyPath, int]

_TOML = re.compile(
    r"""
    (?P<text>\"{3}(?:\\.|[^\\])*?\"{3,5} | '{3}.*?'{3,5} | "(?:\\.|[^"\\\n])*" | '[^'\n]*')
    | (?P<comment>\#[^\n]*)
    | (?P<sign>[\[\]{}=.\n])
    | (?P<word>[^\s"'\#\[\]{}=.]+)
    """,
    re.VERBOSE | re.DOTALL,
)
_JSON = re.compile(r'"(?:\\.|[^"\\])*"|[\[\]{},:\n]')


def line_of(lines: Lines, path: KeyPath) -> int | None:
    """Give the line of *path*, or of the innermost table or list around it that has one."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


def toml_lines(text: str) -> Lines:
    """Find the first line of every table and key; keys in an inline table share its line."""
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, path, is_header in _statements(text):
        if is_header:
            table = path
        found = path if is_header else table + path
        for length in range(1, len(found) + 1):
            lines.setdefault(found[:length], number)
    return lines


def _statements(text: str) -> Iterator[tuple[int, KeyPath, bool]]:
    """Give line, key and whether it is a ``[table]``, for every statement."""
    number, start, depth = 1, 1, 0
    key: list[str] = []
    header = in_value = False
    for match in _TOML.finditer(text):
        piece, kind = match[0], match.lastgroup
        if piece == "\n" and depth == 0:
            if key:
                yield start, tuple(key), header
            key, header, in_value = [], False, False
        elif in_value:
            depth += (piece in "[{") - (piece in "]}") if kind == "sign" else 0
        elif kind in {"text", "word"}:
            start = start if key else number
            key.append(piece.strip("\"'") if kind == "text" else piece)
        elif piece == "[":
            header = True
        in_value = in_value or piece == "="
        number += piece.count("\n")
    if key:
        yield start, tuple(key), header


def json_lines(text: str) -> Lines:
    """Find the line of every key and list entry."""
    lines: dict[KeyPath, int] = {}
    path: list[str | int] = []
    number, expects_key = 1, False
    for piece in _JSON.findall(text):
        match piece:
            case "{" | "[":
                expects_key = piece == "{"
                path.append("" if expects_key else 0)
            case "}" | "]":
                path.pop()
                expects_key = False
            case ",":
                expects_key = isinstance(path[-1], str)
                path[-1] = "" if expects_key else int(path[-1]) + 1
            case ":":
                expects_key = False
            case "\n":
                number += 1
            case _ if expects_key:
                path[-1] = json.loads(piece)
                lines.setdefault(tuple(path), number)
    return lines
