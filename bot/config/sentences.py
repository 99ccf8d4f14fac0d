"""What is wrong with a value, said to an operator: key, value, rule, cure."""

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pydantic_core import ErrorDetails

#: The way to a key: names of tables and keys, and indices in lists.
KeyPath = tuple[str | int, ...]

_LONGEST_SHOWN = 60
_LARGEST_SHOWN = 10**15
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wrong:
    """A mistake at a key; the document it stands in adds file and line."""

    path: KeyPath
    what: str


def shown(value: object) -> str:
    """Write *value* so that it can stand in a sentence and in a log: short, printable."""
    match value:
        case str():
            short = value if len(value) <= _LONGEST_SHOWN else f"{value[:_LONGEST_SHOWN]}…"
            return f'"{"".join(map(_printable, short))}"'
        case bool():
            return str(value).lower()
        case float():
            return str(value)
        case int():
            return str(value) if abs(value) < _LARGEST_SHOWN else "a very large number"
    return ""


def _printable(character: str) -> str:
    plain = character.isprintable() and character != "\\"
    return character if plain else character.encode("unicode_escape").decode("ascii")


def dotted(path: KeyPath) -> str:
    """Write the way to a key as TOML does, and as people say it: ``agent.tools[0]``."""
    written = ""
    for step in path:
        if isinstance(step, int):
            written += f"[{step}]"
            continue
        name = step if _BARE_KEY.fullmatch(step) else shown(step)
        written += f".{name}" if written else name
    return written


def said(path: KeyPath, value: object, predicate: str, *, secret: bool) -> str:
    """Put key, value (unless it is *secret*, or no simple value) and *predicate* together."""
    value_shown = "" if secret else shown(value)
    subject = f"{dotted(path)} = {value_shown}" if value_shown else dotted(path)
    return f"{subject} {predicate}"


def guess(name: str, known: Iterable[str]) -> str:
    """Say `` (did you mean "model"?)``, or nothing when nothing known is close."""
    spellings = {known_name.lower(): known_name for known_name in known}
    close = difflib.get_close_matches(name.lower(), spellings, n=1, cutoff=0.6)
    return f" (did you mean {shown(spellings[close[0]])}?)" if close else ""


def predicate_of(error: ErrorDetails) -> str:
    """Say in plain words which rule of the schema a value breaks."""
    say = _PREDICATES.get(error["type"])
    return say(error) if say else f"is not accepted: {error['msg'].lower()}"


def _fixed(sentence: str) -> Callable[[ErrorDetails], str]:
    return lambda _: sentence


def _own_words(error: ErrorDetails) -> str:
    return str(error["ctx"]["error"])


def _whole_number(error: ErrorDetails) -> str:
    quoted = isinstance(error["input"], str) and error["type"] == "int_type"
    return "must be a whole number" + (", without quotes" if quoted else "")


def _one_of(error: ErrorDetails) -> str:
    # pydantic lists the choices as 'a', 'b' or 'c'; they never contain a quote themselves.
    choices = re.findall(r"'([^']*)'", error["ctx"]["expected"])
    if not isinstance(error["input"], str):
        return f"must be one of {', '.join(map(shown, choices))}"
    if len(choices) == 1:
        return f"must be {shown(choices[0])}, the only one so far"
    return f"is not one of {', '.join(map(shown, choices))}{guess(error['input'], choices)}"


def _limit(words: str, name: str) -> Callable[[ErrorDetails], str]:
    return lambda error: f"must be {words} {error['ctx'][name]:,.10g}"


def _too_long(error: ErrorDetails) -> str:
    length, limit = len(error["input"]), error["ctx"]["max_length"]
    unit = "characters" if isinstance(error["input"], str) else "entries"
    return f"has {length:,} {unit}; at most {limit:,} are allowed"


_PREDICATES: dict[str, Callable[[ErrorDetails], str]] = {
    "value_error": _own_words,
    "literal_error": _one_of,
    "string_type": _fixed("must be text in quotes"),
    "string_unicode": _fixed("is not valid Unicode text"),
    "string_too_short": _fixed("must not be empty"),
    "string_too_long": _too_long,
    "too_long": _too_long,
    "int_type": _whole_number,
    "int_parsing": _whole_number,
    "int_from_float": _whole_number,
    "int_parsing_size": _fixed("is far too large"),
    "float_type": _fixed("must be a number"),
    "finite_number": _fixed("must be a finite number"),
    "greater_than": _limit("more than", "gt"),
    "greater_than_equal": _limit("at least", "ge"),
    "less_than_equal": _limit("at most", "le"),
    "list_type": _fixed("must be a list, in square brackets"),
    "dict_type": _fixed("must be a table of keys and values"),
    "model_type": _fixed("must be a table of keys and values"),
}
