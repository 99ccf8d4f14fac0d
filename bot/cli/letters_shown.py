"""Dead letters on a terminal: whatever was said in a room, it is text there and nothing else."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from rich.text import Text

from bot.cli.letters import Shown
from bot.operate.escaping import escape

_RETRY = {
    "post": "posts the frozen answer",
    "ask": "asks the agent again",
    "no": "is not possible: its text is gone",
}
_NOBODY_SAID = "nobody said"
_WIDE = 10


def as_list(letters: Iterable[Shown]) -> Text:
    """Return two lines for each: what it is, and below it why it was given up.

    Not a table: sentences in columns cannot be read on a terminal of 80 characters.
    """
    return Text("\n").join(line for letter in letters for line in _entry(letter))


def _entry(letter: Shown) -> Iterator[Text]:
    number = f"{letter['seq']:<6}"
    yield Text.assemble(
        (number, "bold"),
        (f"{_moment(letter['settled_at'])}  ", "dim"),
        (f"{escape(letter['bot'])}  ", "magenta"),
        f"{escape(_room(letter))}  ",
        (escape(letter["author"]), "cyan"),
        f": {escape(letter['first_line'])}",
    )
    yield Text(f"{'':<{len(number)}}{escape(letter['reason'] or _NOBODY_SAID)}")


def as_letter(letter: Shown) -> Text:
    """Return everything about one."""
    return Text("\n").join(_lines(letter))


def _lines(letter: Shown) -> Iterator[Text]:
    yield Text(f"dead letter {letter['seq']}", style="bold")
    yield from _facts(letter)
    yield from _block("said", letter["text"])
    for number, attempt in enumerate(letter["attempts"]):
        label = "" if number else "tried"
        started = _moment(attempt["started_at"])
        yield _fact(label, f"{started}, {attempt['state']}, session {attempt['session_id']}")
    for part in letter["parts"]:
        mark = ", possibly twice in the room" if part["possible_duplicate"] else ""
        why = f": {part['error']}" if part["error"] else ""
        yield _fact("reply", f"part {part['number']} ({part['kind']}) {part['state']}{mark}{why}")
        yield from _block("", part["html"])
    yield from _block("why", letter["reason"] or _NOBODY_SAID)


def _facts(letter: Shown) -> Iterator[Text]:
    yield _fact("bot", letter["bot"])
    yield _fact("room", _room(letter))
    yield _fact("from", letter["author"])
    yield _fact("received", _moment(letter["received_at"]))
    yield _fact("given up", _moment(letter["settled_at"]))
    if letter["dropped_at"]:
        yield _fact("dropped", _moment(letter["dropped_at"]))
    yield _fact("retry", _RETRY[letter["retry"]])


def _fact(label: str, value: str) -> Text:
    return Text.assemble((f"  {label:<{_WIDE}}", "dim"), escape(value))


def _block(label: str, text: str) -> Iterator[Text]:
    """Yield a text of many lines, each below the other."""
    for number, line in enumerate(text.split("\n")):
        yield _fact("" if number else label, line)


def _room(letter: Shown) -> str:
    return f"{letter['room_name']} ({letter['room']})" if letter["room_name"] else letter["room"]


def _moment(iso: str) -> str:
    """Return a moment as a person reads it, where the command runs."""
    return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M:%S")
