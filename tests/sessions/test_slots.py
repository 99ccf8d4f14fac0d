"""Who gets the next place for a conversation, and who is told that there is none."""

import asyncio

import anyio
import pytest

from bot.agent.line import Ticket, Urgency
from bot.errors import NoPlace
from bot.sessions.slots import Slots


class House:
    """Places, and who has them."""

    def __init__(self, limit: int) -> None:
        self.slots = Slots(self._admits, self._make_room)
        self.limit = limit
        self.taken = 0
        #: How many could be closed.
        self.idle = 0
        #: How often one was asked for.
        self.asked = 0

    def _admits(self, _ticket: Ticket) -> bool:
        return self.taken < self.limit

    async def _make_room(self) -> bool:
        self.asked += 1
        await asyncio.sleep(0)
        if not self.idle:
            return False
        self.idle -= 1
        self.leave()
        return True

    async def take(self, urgency: Urgency = Urgency.TURN, *, deadline: float | None = None) -> None:
        """Take a place."""
        await self.slots.take(Ticket(urgency, deadline=deadline))
        self.taken += 1

    def leave(self) -> None:
        """Give a place back."""
        self.taken -= 1
        self.slots.look_again()


async def test_places_are_handed_out_up_to_the_limit() -> None:
    """The next one waits until a place is given back."""
    house = House(2)
    await house.take()
    await house.take()
    waiting = asyncio.create_task(house.take())
    await anyio.wait_all_tasks_blocked()
    assert not waiting.done()
    house.leave()
    await waiting
    assert house.taken == 2


async def test_room_is_made_only_when_there_is_none() -> None:
    """Nothing is closed while a place is free, and no more than is needed."""
    house = House(2)
    house.idle = 10
    for _ in range(5):
        await house.take()
    assert (house.asked, house.idle) == (3, 7)


async def test_first_in_line_looks_again() -> None:
    """What could not be closed before may have become idle since."""
    house = House(1)
    await house.take()
    waiting = asyncio.create_task(house.take())
    await anyio.wait_all_tasks_blocked()
    house.slots.look_again()
    await anyio.wait_all_tasks_blocked()
    assert not waiting.done()
    house.idle = 1
    house.slots.look_again()
    await waiting


@pytest.mark.parametrize("who", [0, 1])
async def test_line_survives_who_leaves_it(who: int) -> None:
    """Cancelling the first, or one further back, holds up nobody."""
    house = House(1)
    await house.take()
    line = [asyncio.create_task(house.take()) for _ in range(3)]
    await anyio.wait_all_tasks_blocked()
    gone = line.pop(who)
    gone.cancel()
    for waiting in line:
        house.leave()
        await waiting
    assert gone.cancelled()
    assert house.taken == 1


async def test_a_turn_goes_before_who_is_only_expected() -> None:
    """And whoever is hurried goes with the turns, in the order of their coming."""
    house = House(1)
    await house.take()
    order: list[str] = []

    async def come(name: str, ticket: Ticket) -> None:
        await house.slots.take(ticket)
        house.taken += 1
        order.append(name)

    async with asyncio.TaskGroup() as group:
        early, hurried = Ticket(Urgency.EARLY), Ticket(Urgency.EARLY)
        for name, ticket in (
            ("early", early),
            ("hurried", hurried),
            ("turn", Ticket(Urgency.TURN)),
        ):
            group.create_task(come(name, ticket), name=name)
        await anyio.wait_all_tasks_blocked()
        hurried.hurry()
        for _ in range(3):
            house.leave()
            await anyio.wait_all_tasks_blocked()
    assert order == ["hurried", "turn", "early"]


@pytest.mark.parametrize("urgency", [Urgency.AGAIN, Urgency.AHEAD, Urgency.SPARE])
async def test_the_background_waits_for_no_place(urgency: Urgency) -> None:
    """It gets one that is free, or none; and nobody has to leave for it."""
    house = House(1)
    house.idle = 1
    await house.take(urgency)
    with pytest.raises(NoPlace):
        await house.take(urgency)
    assert house.asked == 0


async def test_the_background_takes_nobodys_place() -> None:
    """While somebody waits, what becomes free is for them."""
    house = House(1)
    await house.take()
    waiting = asyncio.create_task(house.take())
    await anyio.wait_all_tasks_blocked()
    house.limit = 2
    with pytest.raises(NoPlace):
        await house.take(Urgency.SPARE)
    house.slots.look_again()
    await waiting


async def test_patience_ends() -> None:
    """At its deadline a turn is told that there is no place; the next in line stays."""
    house = House(1)
    await house.take()
    now = asyncio.get_running_loop().time()
    impatient = asyncio.create_task(house.take(deadline=now + 0.01))
    patient = asyncio.create_task(house.take())
    with pytest.raises(NoPlace, match="in use"):
        await impatient
    house.leave()
    await patient


async def test_who_comes_too_late_looks_once() -> None:
    """A deadline that is over does not keep anybody from a place that is free, or can be made."""
    house = House(1)
    await house.take(deadline=0)
    house.idle = 1
    await house.take(deadline=0)
    with pytest.raises(NoPlace):
        await house.take(deadline=0)
