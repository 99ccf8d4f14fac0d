import asyncio
import gc
import json
import logging
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from bot.operate.redaction import MARK
from tests.operate.conftest import Log

KEY = "4-adaAdaAda123"
TOKEN = "operators-token-of-many-letters"

Switch = Callable[..., Log]

ours = structlog.get_logger("bot.rooms.lanes")


def only(log: Log) -> dict[str, Any]:
    """Give the one event that was logged."""
    (line,) = log.lines
    event: dict[str, Any] = json.loads(line)
    return event


def failing(text: str) -> None:
    """Fail the way a library does: with a secret in the arguments."""
    raise ConnectionError(text, {"headers": [("Authorization", text)]})


# ---- form ----


def test_our_events_are_json_lines(logged: Switch) -> None:
    """Time in UTC, level, event and logger come first, then the fields with their types."""
    log = logged()
    ours.info("turn", bot="ada", total_s=1.5, parts=2, path=None, late=True)
    event = only(log)
    assert list(event)[:4] == ["timestamp", "level", "event", "logger"]
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "level": "info",
        "event": "turn",
        "logger": "bot.rooms.lanes",
        "bot": "ada",
        "total_s": 1.5,
        "parts": 2,
        "path": None,
        "late": True,
    }


def test_the_libraries_events_take_the_same_way(logged: Switch) -> None:
    """A line of uvicorn looks like one of ours."""
    log = logged()
    logging.getLogger("uvicorn.error").warning("port %d is %s", 8000, "taken")
    event = only(log)
    assert event["event"] == "port 8000 is taken"
    assert (event["level"], event["logger"]) == ("warning", "uvicorn.error")


def test_uvicorn_does_not_repeat_our_own_lines(logged: Switch) -> None:
    """That it starts and ends is said already; what it warns of comes through."""
    log = logged()
    logging.getLogger("uvicorn.error").info("Started server process [1]")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    assert only(log)["event"] == "Invalid HTTP request received."


def test_warnings_are_logged(logged: Switch) -> None:
    """What Python would print on stderr by itself."""
    log = logged()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn(f"old {KEY}", stacklevel=1)
    assert only(log)["logger"] == "py.warnings"


def test_a_terminal_gets_readable_lines(logged: Switch) -> None:
    """Time, level, event, fields by name."""
    log = logged(format="console")
    ours.info("turn", bot="ada", room="Watercooler 2", added=["bo"], why="")
    (line,) = log.lines
    assert line[12:] == (
        ' info     turn  bot=ada room="Watercooler 2" added=[bo] why="" (bot.rooms.lanes)'
    )


@pytest.mark.parametrize("terminal", [False, True])
def test_the_format_follows_the_stream(logged: Switch, terminal: bool) -> None:  # noqa: FBT001 - a case
    """Left to itself: JSON into a file or a pipe, text onto a terminal."""
    log = logged(format="auto", terminal=terminal)
    ours.info("first")
    assert log.text.startswith("{") is not terminal


@pytest.mark.parametrize(("level", "seen"), [("debug", 2), ("info", 1), ("error", 0)])
def test_the_level_holds_for_all(logged: Switch, level: str, seen: int) -> None:
    """What is below the level is not even rendered."""
    log = logged(level=level)
    ours.debug("small")
    logging.getLogger("some.library").info("big")
    assert len(log.lines) == seen


@pytest.mark.parametrize("name", ["httpx", "httpcore.http11", "uvicorn.access"])
def test_loggers_of_addresses_are_silent(logged: Switch, name: str) -> None:
    """They print addresses, whatever level somebody gives them later."""
    log = logged(level="debug")
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.DEBUG)
    logger.error("HTTP Request: POST http://chat/rooms/7/%s/messages", KEY)
    logger.setLevel(before)
    assert not log.text


def test_chatty_libraries_are_heard_when_it_matters(logged: Switch) -> None:
    """Each run of a job is no news; a missed one is."""
    log = logged(level="debug")
    logging.getLogger("apscheduler.executors.default").info("Running job")
    logging.getLogger("apscheduler.executors.default").warning("missed")
    assert only(log)["event"] == "missed"


def test_a_bound_context_is_in_every_line(logged: Switch) -> None:
    """Fields bound for a task appear in what the libraries say, too."""
    log = logged()
    with structlog.contextvars.bound_contextvars(bot="ada"):
        logging.getLogger("some.library").warning("odd")
    assert only(log)["bot"] == "ada"


def test_a_second_call_replaces_the_first(logged: Switch) -> None:
    """Nothing is written twice."""
    first, second = logged(), logged()
    ours.info("once")
    assert (len(first.lines), len(second.lines)) == (0, 1)


# ---- secrets ----


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_secret_is_ever_seen(logged: Switch, form: str) -> None:
    """Events, fields, lists, reprs, arguments, tracebacks: each is a way out, none is open."""
    log = logged(KEY, TOKEN, format=form)
    url = f"http://chat/rooms/7/{KEY}/messages?secret={TOKEN}"
    ours.info(f"event {KEY}", url=url, many=[url, (KEY,)], mapping={"key": KEY}, error=OSError(KEY))
    logging.getLogger("lib").warning("POST %s %r", url, {"token": TOKEN})
    try:
        failing(TOKEN)
    except ConnectionError as error:
        error.add_note(f"was talking to {url}")
        ours.exception("post_failed", why=str(error))
        logging.getLogger("lib").exception(KEY)
    logging.getLogger("lib").warning("stack", stack_info=True)
    assert KEY not in log.text
    assert TOKEN not in log.text
    assert log.text.count(MARK) >= 12
    assert "ConnectionError" in log.text


def test_a_secret_is_not_cut_in_half(logged: Switch) -> None:
    """Redaction comes before the cut: the first half of a key would be a good start."""
    log = logged(KEY)
    ours.info("long", text="x" * 2044 + KEY)
    assert KEY[:4] not in log.text


def test_a_key_that_nobody_knows_of_is_seen_by_its_form(logged: Switch) -> None:
    """The key of a bot whose file is wrong, say."""
    log = logged()
    ours.info("odd", url="http://chat/rooms/7/9-qwertyuiop12/messages")
    assert only(log)["url"] == f"http://chat/rooms/7/{MARK}/messages"


def test_a_secret_that_comes_later_is_known(logged: Switch) -> None:
    """Bots are added while the server runs."""
    log = logged()
    log.secrets = (KEY,)
    ours.info("added", key=KEY)
    assert only(log)["key"] == MARK


def test_an_event_that_cannot_be_rendered_is_not_shown(
    logged: Switch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python's own report of a failed log call prints the arguments as they are."""
    log = logged(KEY)
    logging.getLogger("lib").warning("%d", KEY)
    assert only(log)["event"] == "log_failed"
    assert KEY not in log.text + capsys.readouterr().err


def test_a_closed_stream_is_borne(logged: Switch) -> None:
    """Nobody reads the log any more; the server goes on."""
    log = logged()
    log.stream.close()
    ours.info("unheard")


def test_redaction_is_cheap(logged: Switch) -> None:
    """A whole line with twenty secrets takes well under a millisecond."""
    logged(*(f"{number}-secret-of-a-bot" for number in range(20)))
    best = min(_seconds(lambda: ours.info("turn", bot="ada", room="7")) for _ in range(200))
    assert best < 0.001


def _seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


# ---- what nobody caught ----


def test_an_uncaught_error_is_logged(logged: Switch) -> None:
    """What ends the process is the most important line of all."""
    log = logged(KEY)
    try:
        failing(KEY)
    except ConnectionError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    event = only(log)
    assert (event["event"], event["level"]) == ("uncaught", "critical")
    assert "in failing" in event["traceback"]
    assert KEY not in log.text


def test_an_interrupted_command_says_nothing(logged: Switch) -> None:
    """Ctrl-C is no error."""
    log = logged()
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert not log.text


def test_an_error_in_a_thread_is_logged(logged: Switch) -> None:
    """With the thread's name; a thread that ends itself is none."""
    log = logged(KEY)
    for target in (lambda: failing(KEY), sys.exit):
        thread = threading.Thread(target=target, name="journal")
        thread.start()
        thread.join()
    event = only(log)
    assert (event["event"], event["thread"]) == ("uncaught_in_thread", "journal")
    assert KEY not in log.text


def test_an_error_that_a_task_lost_is_logged(logged: Switch) -> None:
    """A loop tells asyncio's logger, with a traceback."""
    log = logged(KEY)
    asyncio.run(_lose(KEY))
    gc.collect()
    event = only(log)
    assert event["event"].startswith("Future exception was never retrieved")
    assert "ConnectionError" in event["traceback"]
    assert KEY not in log.text


async def _lose(text: str) -> None:
    asyncio.get_running_loop().create_future().set_exception(ConnectionError(text))
