"""One file of ``bots.d/``, read and taken apart, with the line of every key."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from bot.config.locate import Lines, json_lines, line_of, toml_lines
from bot.config.sentences import Wrong, shown
from bot.errors import ConfigError, Mistake

LARGEST_FILE_BYTES = 1024 * 1024

#: Both parsers leave this to `int`, which takes no more than 4300 digits.
_ENDLESS_NUMBER = "holds a number with thousands of digits, which no key takes"
_PLACE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)


class _NotPlainJson(Exception):
    """What Python reads as JSON and nobody else does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """The content of a file, before anybody checked what it says."""

    #: The file as the operator writes it: ``bots.d/ada.toml``.
    where: str
    raw: Mapping[str, object] = field(repr=False)
    lines: Lines = field(repr=False)

    def mistake(self, wrong: Wrong) -> Mistake:
        """Say where in this file something is wrong."""
        return Mistake(where=self.where, line=line_of(self.lines, wrong.path), what=wrong.what)


def read_document(path: Path) -> Document:
    """Read a TOML or JSON file. Raises `ConfigError` when it is neither, or cannot be read."""
    where = str(path)
    text = _read_text(path)
    parse = _parse_json if path.suffix == ".json" else _parse_toml
    try:
        return parse(text, where)
    except RecursionError:
        _refuse(where, None, "is nested too deeply: a bot file has four levels at most")


def _refuse(where: str, line: int | None, what: str) -> NoReturn:
    raise ConfigError((Mistake(where=where, line=line, what=what),)) from None


def _read_text(path: Path) -> str:
    where = str(path)
    try:
        if path.exists() and not path.is_file():  # a pipe would block, a device never end
            _refuse(where, None, "is not a regular file")
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        _refuse(where, None, f"cannot be read: {(error.strerror or 'unknown').lower()}")
    if len(content) > LARGEST_FILE_BYTES:
        _refuse(where, None, "is larger than 1 MiB, which no bot file needs to be")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        _refuse(where, line, "is not UTF-8 text: save it as UTF-8")


def _parse_toml(text: str, where: str) -> Document:
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = _PLACE.fullmatch(str(error))
        what, line, column = match.groups() if match else (str(error), None, None)
        place = f"column {column}" if column else "at its end"
        number = int(line) if line else text.rstrip().count("\n") + 1
        _refuse(where, number, f"is not valid TOML: {what[:1].lower()}{what[1:]} ({place})")
    except ValueError:
        _refuse(where, None, _ENDLESS_NUMBER)
    return Document(where=where, raw=raw, lines=toml_lines(text))


def _parse_json(text: str, where: str) -> Document:
    try:
        raw = json.loads(text, object_pairs_hook=_table, parse_constant=_no_constant)
        json.dumps(raw, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        what = f"is not valid JSON: {error.msg[:1].lower()}{error.msg[1:]} (column {error.colno})"
        _refuse(where, error.lineno, what)
    except UnicodeEncodeError:
        _refuse(where, None, "holds half a character: a \\ud… escape without its other half")
    except _NotPlainJson as error:
        _refuse(where, None, f"is not valid JSON: {error}")
    except ValueError:
        _refuse(where, None, _ENDLESS_NUMBER)
    if not isinstance(raw, dict):
        _refuse(where, 1, 'must be a JSON object: { "name": … }')
    return Document(where=where, raw=raw, lines=json_lines(text))


def _table(pairs: list[tuple[str, object]]) -> dict[str, object]:
    table: dict[str, object] = {}
    for key, value in pairs:
        if key in table:
            raise _NotPlainJson(f"the key {shown(key)} stands there twice")
        table[key] = value
    return table


def _no_constant(name: str) -> NoReturn:
    raise _NotPlainJson(f"{name} is not a number of JSON")
