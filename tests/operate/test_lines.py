import json
import logging
from collections.abc import Callable

import pytest
import structlog

from bot.operate.lines import LINE, TRACEBACK
from tests.operate.conftest import Log

Switch = Callable[..., Log]

ours = structlog.get_logger("bot.rooms.lanes")
library = logging.getLogger("library")


def failing(text: str) -> None:
    """Fail with a text that came from outside."""
    raise ConnectionError(text)


# ---- untrusted text ----

EVIL = (
    "Kim\n2026-01-01 error forged\r\x1b[2J\x1b]0;title\x07\u202egnp.exe\u2028x\x85y\x00\u200b\x7f"
)


@pytest.mark.parametrize("form", ["json", "console"])
def test_text_from_a_room_cannot_forge_a_line(logged: Switch, form: str) -> None:
    """One event is one line; nothing in it moves the cursor or turns the writing."""
    log = logged(format=form)
    ours.info(EVIL, author=EVIL, list=[EVIL])
    library.warning("from %s", EVIL)
    assert len(log.lines) == 2
    for line in log.lines:
        assert line.isprintable()
        shown = json.loads(line)["event"] if form == "json" else line
        assert r"Kim\n2026" in shown
        assert r"\x1b[2J" in shown
        assert r"\u202egnp" in shown


@pytest.mark.parametrize("form", ["json", "console"])
def test_an_errors_text_cannot_forge_a_line(logged: Switch, form: str) -> None:
    """In a traceback a new line is set off, and everything else is escaped."""
    log = logged(format=form)
    try:
        failing(EVIL)
    except ConnectionError:
        ours.exception("odd")
    if form == "json":
        assert "\x1b" not in json.loads(log.text)["traceback"]
    else:
        assert all(line.startswith("    | ") for line in log.lines[1:])
        assert all(map(str.isprintable, log.lines))


def test_other_writing_stays_readable(logged: Switch) -> None:
    """Umlauts, other alphabets and emoji are harmless."""
    log = logged(format="console")
    ours.info("hi", author="Łukasz 李 👩‍💻"[:9])
    assert "Łukasz 李" in log.text


def test_half_characters_are_borne(logged: Switch) -> None:
    """JSON may bring them, and no stream can write them."""
    log = logged(format="console")
    ours.info("hi", text="\ud83d")
    assert r"\ud83d" in log.text


# ---- bounds ----


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_line_is_bounded(logged: Switch, form: str) -> None:
    """However much there is to say, and in whatever writing."""
    log = logged(format=form)
    ours.info("one", text="x" * 100_000)
    ours.info("wide", text="語" * 100_000)
    ours.info("many", **{f"field_{number}": "x" * 5000 for number in range(20)})
    ours.info("list", rooms=[str(number) * 100 for number in range(5000)])
    assert len(log.lines) == 4
    assert all(len(line) <= LINE for line in log.lines)
    assert "(97952 more)" in log.lines[0]


def test_a_traceback_is_bounded_and_keeps_both_ends(logged: Switch) -> None:
    """Where it began, and what it came to."""
    log = logged()
    try:
        failing("x" * 100_000)
    except ConnectionError:
        ours.exception("odd", small="kept")
    event = json.loads(log.text)
    assert len(event["traceback"]) < TRACEBACK + 100
    assert event["traceback"].startswith("Traceback")
    assert event["small"] == "kept"
