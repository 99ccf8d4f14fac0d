"""A server that ends like on a power cut, at a chosen point: imported by the fault of a test."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from functools import wraps
from importlib import import_module
from itertools import count
from typing import Any, Literal


def die(*_: object) -> None:
    """End without a handler, a cleanup, or a last word."""
    os.kill(os.getpid(), signal.SIGKILL)


def kill(when: Literal["before", "after"], target: str, call: int = 1) -> None:
    """End right before, or after, the n-th call of *target*: ``bot.rooms.posting:Posting._post``.

    After means: when its result is there, and nobody has seen it yet.
    """
    module, _, path = target.partition(":")
    owner, _, name = path.rpartition(".")
    place = getattr(import_module(module), owner)
    setattr(place, name, _killing(getattr(place, name), when, call))


def _killing(original: Callable[..., Awaitable[Any]], when: str, call: int) -> Callable[..., Any]:
    calls = count(1)

    @wraps(original)
    def killing(*args: Any, **named: Any) -> Awaitable[Any]:
        due = next(calls) == call
        if due and when == "before":
            die()
        result = original(*args, **named)
        return _then_die(result) if due else result

    return killing


def _then_die(result: Awaitable[Any]) -> asyncio.Future[Any]:
    future = asyncio.ensure_future(result)
    future.add_done_callback(die)
    return future
