"""How a turn is cut short from outside."""

import asyncio
from contextlib import suppress

import pytest
from anyio import wait_all_tasks_blocked

from bot.rooms.endings import Endings


async def turn(endings: Endings, told: list[str], *, sealed: bool = False) -> str:
    """Run a turn that waits for ever."""
    with endings.turn(1):
        with endings.endable():
            try:
                if sealed:
                    endings.seal()
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                told.append("tidied up")
        await asyncio.sleep(0)
        return "ended"


async def test_a_turn_is_cut_short() -> None:
    """Its block tidies up and ends, and the turn goes on behind it; a second time is no matter."""
    endings, told = Endings(), list[str]()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(turn(endings, told))
        await wait_all_tasks_blocked()
        assert endings.end(1)
        assert endings.end(1)
    assert (task.result(), told) == ("ended", ["tidied up"])
    assert not endings.end(1)


async def test_another_turn_is_left_alone() -> None:
    """As is one in a stretch that cannot be cut short, or that is sealed."""
    endings, told = Endings(), list[str]()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(turn(endings, told, sealed=True))
        await wait_all_tasks_blocked()
        assert not endings.end(2)
        assert not endings.end(1)
        assert not task.done()
        task.cancel()


async def test_whoever_ends_the_task_ends_it_all() -> None:
    """A server that stops wants more than this block to end, also when both happen at once."""
    endings, told = Endings(), list[str]()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(turn(endings, told))
        await wait_all_tasks_blocked()
        endings.end(1)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert task.cancelled()
    assert told == ["tidied up"]


async def test_an_error_on_the_way_out_is_heard() -> None:
    """And the task can be cancelled, and time out, as before."""
    endings = Endings()

    async def break_down() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ValueError("broken") from None

    async def broken() -> int:
        with endings.turn(1):
            with pytest.raises(ValueError, match="broken"), endings.endable():
                await break_down()
            with suppress(TimeoutError):
                async with asyncio.timeout(0):
                    await asyncio.Event().wait()
            task = asyncio.current_task()
            assert task is not None
            return task.cancelling()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(broken())
        await wait_all_tasks_blocked()
        endings.end(1)
    assert task.result() == 0
