"""The journals that the conformance tests run on, and the people who speak in them."""

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from resource import RLIMIT_FSIZE, getrlimit, setrlimit
from typing import Protocol

import anyio

from bot.journal import Journal, open_journal
from bot.journal.writer import Writer
from bot.records import Message, MessageKind, Person

KIM = Person(id="7", name="Kim")
LEE = Person(id="8", name="Lee")
LANE = "campfire/watercooler"

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that moves when the test says so."""

    def __init__(self) -> None:
        self.seconds = NOON.timestamp()

    def __call__(self) -> float:
        """Read it."""
        return self.seconds

    def pass_(self, seconds: float) -> None:
        """Let time go by."""
        self.seconds += seconds


class Engine(Protocol):
    """A kind of journal; opening it again finds what was left there."""

    def open(
        self, *, node: str = "hearth-1", now: Callable[[], float] = ...
    ) -> AbstractAsyncContextManager[Journal]:
        """Open the one journal of this engine."""


@dataclass(frozen=True)
class SqliteEngine:
    """The embedded journal."""

    path: Path

    def open(
        self, *, node: str = "hearth-1", now: Callable[[], float] = NOON.timestamp
    ) -> AbstractAsyncContextManager[Journal]:
        """Open the file."""
        return open_journal(self.path, node=node, now=now)


def said(
    text: str = "What is new?",
    *,
    number: int = 1,
    position: int | None = None,
    bot: str = "ada",
    author: Person = KIM,
) -> Message:
    """Let somebody say something in the Watercooler."""
    return Message(
        platform="campfire",
        bot=bot,
        room="42",
        room_name="Watercooler",
        direct=False,
        id=str(number),
        position=number if position is None else position,
        author=author,
        kind=MessageKind.TEXT,
        text=text,
        html=f"<div>{text}</div>",
        received_at=NOON,
    )


@asynccontextmanager
async def busy(writer: Writer) -> AsyncIterator[None]:
    """Keep the writer's thread occupied: what is submitted in the block becomes one batch."""
    started, done = threading.Event(), threading.Event()

    def occupy(_: object) -> None:
        started.set()
        done.wait(10)

    occupied = writer.read(occupy)
    await anyio.to_thread.run_sync(started.wait)
    try:
        yield
    finally:
        done.set()
        await occupied


@contextmanager
def no_room_after(path: Path) -> Iterator[None]:
    """Let the kernel refuse to make any file longer than *path* is now."""
    soft, hard = getrlimit(RLIMIT_FSIZE)
    setrlimit(RLIMIT_FSIZE, (path.stat().st_size, hard))
    try:
        yield
    finally:
        setrlimit(RLIMIT_FSIZE, (soft, hard))
