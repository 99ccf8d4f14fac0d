"""A real journal, pages over it, and a log that is given back as it was."""

import io
import logging
import sys
import threading
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest
import structlog

from bot.journal import Journal, open_journal
from bot.operate.logs import configure_logging
from tests.operate.characters import Clock
from tests.operate.server import TOKEN, Server

TOUCHED = ("httpx", "httpcore", "uvicorn.access", "apscheduler", "watchfiles")
TOUCHED += ("claude_agent_sdk", "asyncio")


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands at noon."""
    return Clock()


@pytest.fixture
async def journal(tmp_path: Path, clock: Clock) -> AsyncIterator[Journal]:
    """Give an empty open journal."""
    async with open_journal(tmp_path / "journal.db", node="here", now=clock.seconds) as journal:
        yield journal


@pytest.fixture
def untouched() -> Iterator[None]:
    """Put everything back that `configure_logging` changes in the process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    loggers = [logging.getLogger(name) for name in TOUCHED]
    before = [(each, each.handlers[:], each.level, each.propagate) for each in loggers]
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook, warnings.showwarning
    yield
    logging.captureWarnings(capture=False)
    sys.excepthook, sys.unraisablehook, threading.excepthook, warnings.showwarning = hooks
    root.handlers, root.level = handlers, level
    for each, its_handlers, its_level, propagate in before:
        each.handlers, each.propagate = its_handlers, propagate
        each.setLevel(its_level)
    structlog.reset_defaults()


class Stream(io.StringIO):
    """Where a log goes."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        """Say whether somebody reads along."""
        return self._terminal


class Log:
    """What was logged, as JSON lines or as text."""

    def __init__(self, *, terminal: bool = False) -> None:
        self.stream = Stream(terminal=terminal)
        self.secrets: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Everything written so far."""
        return self.stream.getvalue()

    @property
    def lines(self) -> list[str]:
        """The lines written so far."""
        return self.text.splitlines()


@pytest.fixture
def logged(untouched: None) -> Callable[..., Log]:  # noqa: ARG001 - it is there to clean up
    """Give what switches the log on, in a format and from a level."""

    def switch_on(
        *secrets: str,
        format: str = "json",  # noqa: A002 - as in the code
        level: str = "info",
        terminal: bool = False,
    ) -> Log:
        log = Log(terminal=terminal)
        log.secrets = secrets
        configure_logging(
            format=format,  # type: ignore[arg-type] # a test's text
            level=level,
            secrets=lambda: log.secrets,
            stream=log.stream,
        )
        return log

    return switch_on


@pytest.fixture
def server(journal: Journal, clock: Clock) -> Server:
    """Give a server without sessions and messages."""
    return Server(journal, clock)


@pytest.fixture
async def anybody(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client that shows nothing."""
    transport = httpx.ASGITransport(server.pages())
    async with httpx.AsyncClient(transport=transport, base_url="http://hearth") as client:
        yield client


@pytest.fixture
async def operator(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client that shows the token."""
    transport = httpx.ASGITransport(server.pages())
    async with httpx.AsyncClient(
        transport=transport,
        base_url="http://hearth",
        headers={"Authorization": f"Bearer {TOKEN}"},
    ) as client:
        yield client
