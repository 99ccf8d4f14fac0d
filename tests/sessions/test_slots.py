"""How places are handed out, and who gets the next."""

import asyncio

import anyio
import pytest

from bot.sessions.slots import Slots


async def never() -> bool:
    """Find nothing to close."""
    return False


async def test_places_are_handed_out_up_to_the_limit() -> None:
    """The next one waits until a place is given back."""
    slots = Slots(2, never)
    await slots.take()
    await slots.take()
    waiting = asyncio.create_task(slots.take())
    await anyio.wait_all_tasks_blocked()
    assert not waiting.done()
    slots.give_back()
    await waiting
    assert slots.taken == 2


async def test_room_is_made_only_when_there_is_none() -> None:
    """Nothing is closed while a place is free, and no more than is needed."""
    closed: list[int] = []

    async def close_one() -> bool:
        closed.append(len(closed))
        slots.give_back()
        return True

    slots = Slots(2, close_one)
    for _ in range(5):
        await slots.take()
    assert closed == [0, 1, 2]


async def test_first_in_line_looks_again() -> None:
    """What could not be closed before may have become idle since."""
    idle: list[str] = []

    async def close_one() -> bool:
        if not idle:
            return False
        idle.pop()
        slots.give_back()
        return True

    slots = Slots(1, close_one)
    await slots.take()
    waiting = asyncio.create_task(slots.take())
    await anyio.wait_all_tasks_blocked()
    slots.look_again()
    await anyio.wait_all_tasks_blocked()
    assert not waiting.done()
    idle.append("a conversation")
    slots.look_again()
    await waiting


@pytest.mark.parametrize("who", [0, 1])
async def test_line_survives_who_leaves_it(who: int) -> None:
    """Cancelling the first, or one further back, holds up nobody."""
    slots = Slots(1, never)
    await slots.take()
    line = [asyncio.create_task(slots.take()) for _ in range(3)]
    await anyio.wait_all_tasks_blocked()
    gone = line.pop(who)
    gone.cancel()
    for waiting in line:
        slots.give_back()
        await waiting
    assert gone.cancelled()
    assert slots.taken == 1
