"""Read JSON that Campfire wrote, strictly. Pure: every fault is a `Malformed`, and nothing else is.

A refusal names the key, the type it found and the rule, never a value: values are somebody's words,
or the bot's key. A key is given in dots (``message.body.html``); its last word is looked up.
"""

import json
from functools import cache
from typing import Any, NoReturn

from pydantic_core import from_json

from bot.errors import Malformed

Fields = dict[str, Any]

#: Ids travel into 64-bit columns.
_ID_LIMIT = 2**63

#: Not white space to Unicode, but nothing to see either; a mention may leave them behind.
_ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"

#: How a sentence names the types of JSON.
_TYPE_NAMES: dict[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a string",
    bool: "a boolean",
    int: "a whole number",
    float: "a fraction",
    type(None): "null",
}


def read_object(body: bytes) -> Fields:
    """Return the object that *body* is."""
    value = _decode(body)
    if not isinstance(value, dict):
        raise Malformed(f"the body is {_TYPE_NAMES[type(value)]}; it must be an object")
    return value


def read_objects(body: bytes) -> list[Fields]:
    """Return the list of objects that *body* is."""
    value = _decode(body)
    if not isinstance(value, list):
        raise Malformed(f"the body is {_TYPE_NAMES[type(value)]}; it must be a list")
    for item in value:
        if not isinstance(item, dict):
            raise Malformed(f"the list holds {_TYPE_NAMES[type(item)]}; it must hold objects")
    return value


def _decode(body: bytes) -> object:
    try:
        value: object = from_json(body, allow_inf_nan=False)
    except ValueError:
        # Half characters, which Campfire may send; else a fault, of which the other says more.
        value = _decode_slowly(body)
    return value


def _decode_slowly(body: bytes) -> object:
    try:
        value: object = _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Malformed(f"the body is not UTF-8 (byte {error.start}); send JSON in UTF-8") from None
    except json.JSONDecodeError as error:
        raise Malformed(f"the body is not JSON: {error.msg} at character {error.pos}") from None
    except ValueError:
        # Python's own limit on digits.
        raise Malformed("the body holds a number of thousands of digits") from None
    except RecursionError:
        raise Malformed("the body is nested too deep; Campfire's has four levels") from None
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise Malformed(f"the body holds {name}, which is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def section(fields: Fields, key: str) -> Fields:
    """Return the object at *key*."""
    value = fields.get(_last(key))
    if not isinstance(value, dict):
        _refuse(fields, key, "an object")
    return value


def identity(fields: Fields, key: str) -> int:
    """Return the id at *key*: a whole number that fits into 64 bits."""
    value = fields.get(_last(key))
    # Not isinstance: true is an int to Python.
    if type(value) is not int:
        _refuse(fields, key, "a whole number above 0")
    if not 0 < value < _ID_LIMIT:
        raise Malformed(f"{key} is out of range; it must be above 0 and below 2^63")
    return value


def text(fields: Fields, key: str) -> str:
    """Return the string at *key*."""
    value = fields.get(_last(key))
    if not isinstance(value, str):
        _refuse(fields, key, "a string")
    return _storable(value)


def optional_text(fields: Fields, key: str, *, required: bool = False) -> str | None:
    """Return the string at *key*; null stands for absent, absent is refused if *required*."""
    name = _last(key)
    value = fields.get(name)
    if value is None and (name in fields or not required):
        return None
    if not isinstance(value, str):
        _refuse(fields, key, "a string or null")
    return _storable(value)


def trimmed(words: str) -> str:
    """Return *words* without the white space around them; "" if there is nothing to see in them."""
    words = words.strip()
    return words if words.strip(_ZERO_WIDTH) else ""


def _storable(words: str) -> str:
    r"""Return *words* as UTF-8 and any database can hold them: no lone ``\ud800``, no NUL."""
    if words.isascii() and "\0" not in words:
        return words
    try:
        words.encode()
    except UnicodeEncodeError:
        words = words.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return words.replace("\0", "\ufffd")


def _refuse(fields: Fields, key: str, rule: str) -> NoReturn:
    name = _last(key)
    found = f"is {_TYPE_NAMES[type(fields[name])]}" if name in fields else "is missing"
    raise Malformed(f"{key} {found}; it must be {rule}")


@cache
def _last(key: str) -> str:
    return key.rpartition(".")[2]
