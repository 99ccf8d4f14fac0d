"""What the writer is given to do: functions of a connection, and what is waiting for them."""

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, TypeVar

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], T]


class Effect(Enum):
    """What an operation asks of the file."""

    #: Changes nothing; needs no commit.
    READ = auto()
    WRITE = auto()
    #: Changes something in its first statement, and only there: alone it needs no transaction,
    #: since SQLite makes each statement one.
    STATEMENT = auto()
    #: Deletes what must not be readable afterwards, in the write-ahead log neither.
    ERASE = auto()


@dataclass(slots=True, eq=False)
class Pending(Generic[T]):
    """An operation on its way through the thread."""

    operation: Operation[T]
    effect: Effect
    future: asyncio.Future[T]
    result: T | None = None
    error: Exception | None = None
