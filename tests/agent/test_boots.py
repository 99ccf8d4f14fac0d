"""Who boots when: the urgent before the others, in turn, and none of them alone for long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from bot.agent.boots import ENOUGH, Boots
from bot.agent.brake import MOST_HELD_S, Booting, NoBrake
from bot.agent.line import Ticket, Urgency


class YardBrake:
    """Holds a child of the yard."""

    def __init__(self, name: str, held: set[str]) -> None:
        self._name = name
        self._held = held

    def hold(self) -> bool:
        """Hold it."""
        self._held.add(self._name)
        return True

    def free(self) -> None:
        """Let it go on."""
        self._held.discard(self._name)


class Yard:
    """Children that boot until the test lets them have booted."""

    def __init__(self, boots: Boots, group: asyncio.TaskGroup) -> None:
        self.boots = boots
        #: Who is held while they boot.
        self.held: set[str] = set()
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
        async with self.boots.admitted(ticket, YardBrake(name, self.held)):
            self.began.append(name)
            await self._booted[name].wait()


@asynccontextmanager
async def a_yard(limit: int, **waits_s: float) -> AsyncIterator[Yard]:
    """Open a yard; who still boots or waits in the end is let go."""
    async with asyncio.TaskGroup() as group:
        yard = Yard(Boots(limit, **waits_s), group)
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


_LONG_S = 3600.0


async def a_moment(yard: Yard) -> None:
    """Let a moment pass in which nothing happens."""
    yard.boots._stirred_at = 0.0  # long ago
    yard.boots._quiet()
    await anyio.wait_all_tasks_blocked()


@pytest.mark.parametrize("urgency", [Urgency.AGAIN, Urgency.AHEAD, Urgency.SPARE])
async def test_the_background_waits_for_a_quiet_moment(urgency: Urgency) -> None:
    """A turn is under way: whom nobody waits for boots later, and a turn's child at once."""
    async with a_yard(2, moment_s=_LONG_S) as yard:
        yard.boots.stir()
        await yard.come("background", urgency)
        await yard.come("a turn's")
        await yard.booted("a turn's")
        assert yard.began == ["a turn's"]
        await a_moment(yard)
        assert yard.began == ["a turn's", "background"]


async def test_with_many_processors_nobody_waits_for_a_quiet_moment() -> None:
    """There a boot takes nothing from a turn."""
    async with a_yard(ENOUGH, moment_s=_LONG_S) as yard:
        yard.boots.stir()
        await yard.come("a spare", Urgency.SPARE)
        yard.boots.stir()
        assert (yard.began, yard.held) == (["a spare"], set())


async def test_who_is_wanted_waits_for_no_moment() -> None:
    """A spare that waits for one is claimed."""
    async with a_yard(2, moment_s=_LONG_S) as yard:
        yard.boots.stir()
        await yard.come("a spare", Urgency.SPARE)
        yard.tickets["a spare"].hurry()
        await anyio.wait_all_tasks_blocked()
        assert yard.began == ["a spare"]


async def test_where_it_is_never_quiet_the_background_boots_in_the_end() -> None:
    """A new room wants a spare there too."""
    async with a_yard(2, moment_s=_LONG_S, most_wait_s=0.0) as yard:
        yard.boots.stir()
        await yard.come("a spare", Urgency.SPARE)
        assert yard.began == ["a spare"]


async def test_the_background_holds_still_while_a_turn_begins() -> None:
    """It goes on after a moment; a child that a turn waits for is never held."""
    async with a_yard(2, moment_s=_LONG_S) as yard:
        await yard.come("a spare", Urgency.SPARE)
        await yard.come("a turn's")
        yard.boots.stir()
        assert yard.held == {"a spare"}
        await a_moment(yard)
        assert yard.held == set()
        assert yard.began == ["a spare", "a turn's"]


async def test_the_moment_begins_with_the_last_stir() -> None:
    """A first one that is over ends nothing, and whoever came meanwhile is held with the others."""
    async with a_yard(2, moment_s=_LONG_S, most_wait_s=0.0) as yard:
        yard.boots.stir()
        await yard.come("a spare", Urgency.SPARE)
        yard.boots.stir()
        assert yard.held == set(), "it is said too often for a look each time"
        yard.boots._quiet()
        assert yard.held == {"a spare"}
        await a_moment(yard)
        assert yard.held == set()


@pytest.mark.parametrize("how", ["claimed", "released", "cancelled", "booted"])
async def test_whoever_is_held_goes_on_at_once(how: str) -> None:
    """When a turn comes to wait for it, and when it has to end; and then it is held no more."""
    async with a_yard(2, moment_s=_LONG_S) as yard:
        task = await yard.come("a spare", Urgency.SPARE)
        yard.boots.stir()
        assert yard.held == {"a spare"}
        match how:
            case "claimed":
                yard.tickets["a spare"].hurry()
            case "released":
                yard.boots.release(yard.tickets["a spare"])
            case "cancelled":
                task.cancel()
            case _:
                await yard.booted("a spare")
        await anyio.wait_all_tasks_blocked()
        yard.boots.stir()
        assert yard.held == set()


def test_a_boot_is_not_held_for_ever() -> None:
    """All the moments together are bounded: then it boots beside the turns."""
    held: set[str] = set()
    booting = Booting(Ticket(Urgency.SPARE), YardBrake("a spare", held))
    booting.look(100.0, busy=True)
    assert held == {"a spare"}
    booting.look(100.0 + MOST_HELD_S / 2, busy=False)
    assert held == set()
    booting.look(200.0, busy=True)
    assert held == {"a spare"}
    booting.look(200.0 + MOST_HELD_S / 2, busy=True)
    assert held == set()
    booting.look(300.0, busy=True)
    assert held == set()


def test_a_child_that_is_not_there_yet_is_held_later() -> None:
    """It may be on its way when a turn begins."""
    held: set[str] = set()
    brake = YardBrake("a spare", held)
    booting = Booting(Ticket(Urgency.SPARE), NoBrake())
    booting.look(100.0, busy=True)
    booting._brake = brake
    booting.look(100.1, busy=True)
    assert held == {"a spare"}
