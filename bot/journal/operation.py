"""What the writer is given to do: functions of a connection, and what is waiting for them."""

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Generic, TypeVar

T = TypeVar("T")
A = TypeVar("A")
Operation = Callable[[sqlite3.Connection], T]
#: An operation on many arguments at once; returns a result for each, in their order.
Joint = Callable[[sqlite3.Connection, list[A]], list[T]]


class Effect(Enum):
    """What an operation asks of the file."""

    #: Changes nothing; needs no commit.
    READ = auto()
    WRITE = auto()
    #: Deletes what must not be readable afterwards, in the write-ahead log neither.
    ERASE = auto()


@dataclass(slots=True, eq=False)
class Pending(Generic[T]):
    """An operation on its way through the thread."""

    operation: Operation[T]
    effect: Effect
    future: asyncio.Future[T]
    #: When it is one of many: the operation that takes them all, and its own argument.
    joint: Joint[Any, T] | None = None
    argument: object = None
    result: T | None = None
    error: Exception | None = None


def run_alone(joint: Joint[A, T], argument: A, db: sqlite3.Connection) -> T:
    """Run a joint operation on one argument."""
    (result,) = joint(db, [argument])
    return result
