"""What waits for the journal's thread comes out in order, and together what was put in together."""

import asyncio
from queue import Empty
from typing import Any

import pytest

from bot.journal.intake import Intake
from bot.journal.operation import Effect, Pending


def pending() -> Pending[Any]:
    """Return an operation."""
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    return Pending(lambda _: None, Effect.WRITE, future)


async def test_what_is_put_together_comes_out_together() -> None:
    """The thread sees nothing of it before it is complete, however often it looks."""
    intake, first, second = Intake(), pending(), pending()
    with intake.together():
        for one in (first, second):
            intake.put(one)
            with pytest.raises(Empty):
                intake.take(timeout_s=0)
    assert intake.take() == [first, second]


async def test_a_bug_in_between_holds_nothing_back() -> None:
    """What was put before it comes out, and what comes after it is on its own again."""
    intake, first, second = Intake(), pending(), pending()

    def break_down() -> None:
        with intake.together():
            intake.put(first)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_down()
    assert intake.take() == [first]
    intake.put(second)
    assert intake.take() == [second]


async def test_the_end_comes_after_what_was_there() -> None:
    """And what comes after it is left."""
    intake, first, late = Intake(), pending(), pending()
    intake.put(first)
    intake.end()
    intake.put(late)
    assert not intake.ended
    assert intake.take() == [first]
    assert intake.ended
    assert intake.left() == [late]
