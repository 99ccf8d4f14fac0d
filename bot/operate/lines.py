"""From a log event to its line: no secret in it, nothing untrusted at work, bounded in length."""

import json
import math
import sys
import traceback
from collections.abc import Callable, Iterable
from typing import Final

from structlog.typing import EventDict, WrappedLogger

from bot.operate.escaping import cut, cut_middle, escape
from bot.operate.redaction import Redaction

Plain = str | int | float | bool | list[str] | None
#: What became of one event: its fields, and its traceback or "".
Rendering = Callable[[dict[str, Plain], str], str]

#: A line may be this long, its traceback not counted.
LINE: Final = 8 * 1024
#: A traceback may be this long.
TRACEBACK: Final = 32 * 1024

#: What a single value may take; the next when a line of many values comes out too long.
_VALUES: Final = (2048, 256, 32)
_ITEMS: Final = 20
_FIRST: Final = ("timestamp", "level", "event", "logger")
_json = json.JSONEncoder(separators=(", ", ": "), allow_nan=False).encode


class Line:
    """The last step of the log: renders an event."""

    def __init__(self, rendering: Rendering, redact: Redaction) -> None:
        self._rendering = rendering
        self._redact = redact

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> str:
        """Return the line of *event*, several ones with a traceback on a terminal."""
        told = self._told(event.pop("exc_info", None), event.pop("stack_info", None))
        names = (*_FIRST, *(name for name in event if name not in _FIRST))
        fields = {escape(name): self._plain(event[name]) for name in names if name in event}
        for limit in _VALUES:
            fields = {name: _cut(value, limit) for name, value in fields.items()}
            line = self._rendering(fields, "")
            if len(line) <= LINE:
                break
        return self._rendering(fields, told) if told else line

    def _told(self, exc_info: object, stack: object) -> str:
        """Return the traceback of an error or of a place, its lines harmless one by one."""
        error = _error(exc_info)
        text = "".join(traceback.format_exception(error)) if error is not None else ""
        text = self._redact(text + (str(stack) if stack else "")).rstrip()
        return cut_middle("\n".join(map(escape, text.split("\n"))), TRACEBACK)

    def _plain(self, value: object) -> Plain:
        match value:
            case bool() | int() | None:
                return value
            case float():
                return value if math.isfinite(value) else str(value)
            case list() | tuple() | set() | frozenset():
                return self._items(value)
        return escape(self._redact(str(value)))

    def _items(self, values: Iterable[object]) -> list[str]:
        shown = [escape(self._redact(str(value))) for value in values]
        more = [f"… ({len(shown) - _ITEMS} more)"] if len(shown) > _ITEMS else []
        return shown[:_ITEMS] + more


def as_json(fields: dict[str, Plain], told: str) -> str:
    """Render one JSON object; ASCII only, whatever the stream's encoding is."""
    return _json(fields | {"traceback": told} if told else fields)


def as_text(fields: dict[str, Plain], told: str) -> str:
    """Render for a reader: time, level and event in columns, the rest by name."""
    timestamp, level, event, logger = (fields.get(name, "") for name in _FIRST)
    rest = (f"{name}={_readable(v)}" for name, v in fields.items() if name not in _FIRST)
    head = f"{str(timestamp)[11:23]} {level!s:8} {event}  " + " ".join((*rest, f"({logger})"))
    # Set off, so that nothing in an error's text can pass for a line of its own.
    return "\n".join([head, *(f"    | {line}" for line in told.splitlines())])


def _readable(value: Plain) -> str:
    if isinstance(value, list):
        return f"[{', '.join(value)}]"
    return f'"{value}"' if isinstance(value, str) and (" " in value or not value) else str(value)


def _cut(value: Plain, limit: int) -> Plain:
    if isinstance(value, list):
        return [cut(item, max(16, limit // _ITEMS)) for item in value]
    return cut(value, limit) if isinstance(value, str) else value


def _error(exc_info: object) -> BaseException | None:
    """Read the three ways in which an error is handed to a log."""
    match exc_info:
        case BaseException():
            return exc_info
        case (_, BaseException() as error, _):
            return error
        case True:
            return sys.exception()
    return None
