"""Who boots when: the urgent before the others, in turn, and none of them alone for long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from bot.agent.boots import Boots
from bot.agent.line import Ticket, Urgency


class Yard:
    """Children that boot until the test lets them have booted."""

    def __init__(self, limit: int, group: asyncio.TaskGroup) -> None:
        self.boots = Boots(limit)
        #: Who began to boot, in that order.
        self.began: list[str] = []
        self._booted: dict[str, asyncio.Event] = {}
        self._group = group

    async def come(self, name: str, urgency: Urgency = Urgency.TURN) -> "asyncio.Task[None]":
        """Have somebody want to boot; *urgency* may be raised by their ticket later."""
        ticket = Ticket(urgency)
        task = self._group.create_task(self._boot(name, ticket), name=name)
        self.tickets = {**getattr(self, "tickets", {}), name: ticket}
        await anyio.wait_all_tasks_blocked()
        return task

    async def booted(self, *names: str) -> None:
        """Let somebody have booted."""
        for name in names:
            self._booted[name].set()
        await anyio.wait_all_tasks_blocked()

    async def _boot(self, name: str, ticket: Ticket) -> None:
        self._booted[name] = asyncio.Event()
        async with self.boots.admitted(ticket):
            self.began.append(name)
            await self._booted[name].wait()


@asynccontextmanager
async def a_yard(limit: int) -> AsyncIterator[Yard]:
    """Open a yard; who still boots or waits in the end is let go."""
    async with asyncio.TaskGroup() as group:
        yard = Yard(limit, group)
        yield yard
        await yard.booted(*yard._booted)


async def test_few_boot_at_once_and_in_turn() -> None:
    """With equal urgency whoever came first is next."""
    async with a_yard(2) as yard:
        for name in ("one", "two", "three", "four"):
            await yard.come(name)
        assert (yard.began, yard.boots.waiting) == (["one", "two"], 2)
        await yard.booted("two")
        assert yard.began == ["one", "two", "three"]


async def test_a_turn_goes_before_all_others() -> None:
    """Then who is expected, then what is replaced, then rooms of yesterday, spares last."""
    async with a_yard(1) as yard:
        await yard.come("first")
        for urgency in reversed(Urgency):
            await yard.come(urgency.name, urgency)
        for name in ("first", "TURN", "EARLY", "AGAIN", "AHEAD", "SPARE"):
            await yard.booted(name)
        assert yard.began == ["first", "TURN", "EARLY", "AGAIN", "AHEAD", "SPARE"]


@pytest.mark.parametrize("urgency", [Urgency.AGAIN, Urgency.AHEAD, Urgency.SPARE])
async def test_the_background_boots_alone(urgency: Urgency) -> None:
    """It begins only while nothing else boots, whatever the limit is."""
    async with a_yard(4) as yard:
        await yard.come("a turn's")
        await yard.come("one", urgency)
        await yard.come("two", urgency)
        assert yard.began == ["a turn's"]
        await yard.booted("a turn's")
        assert yard.began == ["a turn's", "one"]


async def test_the_background_keeps_nobody_waiting() -> None:
    """A turn boots beside it at once."""
    async with a_yard(1) as yard:
        await yard.come("a spare", Urgency.SPARE)
        await yard.come("a turn's")
        assert yard.began == ["a spare", "a turn's"]
        await yard.come("another turn's")
        assert yard.boots.waiting == 1


async def test_what_becomes_urgent_overtakes() -> None:
    """A room that is opened ahead is asked: now it is next."""
    async with a_yard(1) as yard:
        await yard.come("first")
        await yard.come("expected", Urgency.EARLY)
        await yard.come("ahead", Urgency.AHEAD)
        yard.tickets["ahead"].hurry()
        await yard.booted("first")
        assert yard.began == ["first", "ahead"]


async def test_what_becomes_urgent_while_it_waits_for_silence() -> None:
    """It need not be alone any more, and boots at once."""
    async with a_yard(2) as yard:
        await yard.come("first")
        await yard.come("a spare", Urgency.SPARE)
        assert yard.began == ["first"]
        yard.tickets["a spare"].hurry()
        await anyio.wait_all_tasks_blocked()
        assert yard.began == ["first", "a spare"]


@pytest.mark.parametrize("who", ["first", "second", "third"])
async def test_the_line_survives_who_leaves_it(who: str) -> None:
    """Cancelling who boots, or waits, holds up nobody."""
    async with a_yard(1) as yard:
        tasks = {name: await yard.come(name) for name in ("first", "second", "third")}
        tasks.pop(who).cancel()
        await anyio.wait_all_tasks_blocked()
        await yard.booted("first", "second", "third")
        assert set(tasks) <= set(yard.began)
        assert yard.boots.waiting == 0


async def test_a_burst_starves_nobody() -> None:
    """Whoever came before the burst boots before it, and the burst in its order."""
    async with a_yard(2) as yard:
        names = [f"room {number}" for number in range(12)]
        for name in names:
            await yard.come(name)
        for name in names:
            await yard.booted(name)
        assert yard.began == names
