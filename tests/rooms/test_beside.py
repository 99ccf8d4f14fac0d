"""Work beside a block ends with it, and hides nothing."""

import asyncio

import pytest

from bot.rooms.beside import beside


async def _forever() -> None:
    await asyncio.Event().wait()


async def _broken() -> None:
    raise ZeroDivisionError


async def _five() -> int:
    return 5


async def test_its_result_is_there_for_the_block() -> None:
    """Awaited, once it is needed."""
    async with beside(_five(), "five") as five:
        assert await five == 5


async def test_it_ends_with_the_block() -> None:
    """Whatever it still does."""
    async with beside(_forever(), "forever") as work:
        pass
    assert work.cancelled()


async def test_what_the_block_raises_comes_out_as_it_is() -> None:
    """Nobody has to look into a group for it."""
    cause = ValueError("cold")
    with pytest.raises(KeyError, match="tea") as caught:
        async with beside(_forever(), "forever"):
            raise KeyError("tea") from cause
    assert caught.value.__cause__ is cause


async def test_a_bug_of_the_work_ends_the_block() -> None:
    """It comes out as it is, too."""
    with pytest.raises(ZeroDivisionError):
        async with beside(_broken(), "broken"):
            await _forever()


async def test_a_cancelled_block_cancels_the_work() -> None:
    """And stays cancelled."""
    begun = asyncio.Event()

    async def block() -> None:
        async with beside(_forever(), "forever"):
            begun.set()
            await _forever()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(block())
        await begun.wait()
        task.cancel()
    assert task.cancelled()
