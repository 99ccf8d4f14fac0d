"""Who has to wait sees that they were heard; nobody else is disturbed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from bot.journal import Journal
from bot.records import Entry, MessageKind, Outcome
from bot.testing.gate import Gate
from tests.rooms.people import LANE, FakeChat, a_bot, accepted, said
from tests.rooms.watching import Hands, Room, a_room, until


@pytest.fixture
def clock() -> Hands:
    """Give a clock that the test moves."""
    return Hands()


@asynccontextmanager
async def noticing(journal: Journal, clock: Hands, chat: FakeChat) -> AsyncIterator[Room]:
    """Look at what waits, until the block ends."""
    async with a_room(journal, clock, chat) as room, asyncio.TaskGroup() as group:
        looking = group.create_task(room.noticing.run())
        yield room
        looking.cancel()


class SlowChat(FakeChat):
    """A platform that takes its time with the first reaction."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = Gate()

    async def react(self, *, room: str, message: str, reaction: str, key: str) -> bool:
        """React, some time."""
        if reaction == "👀":
            await self.gate()
        return await super().react(room=room, message=message, reaction=reaction, key=key)


async def test_what_waits_is_reacted_to_once(journal: Journal, clock: Hands) -> None:
    """After a moment; each of them, in their order; not again when more comes."""
    await accepted(journal, said(number=1))
    await journal.accept(said(number=2), lane=LANE)
    async with noticing(journal, clock, FakeChat()) as room:
        await clock.move(0.9)
        assert room.chat.changes == []
        await clock.move(0.1)
        await until(lambda: room.chat.changes == ["react 1 👀", "react 2 👀"])
        await journal.accept(said(number=3), lane=LANE)
        room.noticing.expect()
        await clock.move(1.0)
        await until(lambda: len(room.chat.changes) == 3)
        assert room.chat.changes[-1] == "react 3 👀"


async def test_what_is_not_reacted_to(journal: Journal, clock: Hands) -> None:
    """What a turn shows by itself, a bare name, a command, and what has ended."""
    shown = await accepted(journal, said(number=1))
    await journal.accept(said(number=2, kind=MessageKind.BARE), lane=LANE)
    await journal.accept(said("help", number=3), lane=f"!{LANE}/ada")
    await journal.accept(said(number=4), lane=LANE)
    await journal.accept(said(number=5), lane=LANE)
    async with noticing(journal, clock, FakeChat()) as room:
        room.clearing.busy.add(shown.seq)
        four = await journal.entry(shown.seq + 3)
        assert four is not None
        await journal.settle(four, outcome=Outcome.SKIPPED)
        await clock.move(1.0)
        await until(lambda: bool(room.chat.changes))
    assert room.chat.changes == ["react 5 👀"]


async def test_where_nobody_can_react_nothing_is_read(journal: Journal, clock: Hands) -> None:
    """What waits is found once that is possible."""
    await accepted(journal, said(number=1))
    chat = FakeChat()
    chat.editable = False
    async with noticing(journal, clock, chat) as room:
        before = journal.statistics().operations
        await clock.move(1.0)
        await anyio.wait_all_tasks_blocked()
        await journal.tally()
        assert journal.statistics().operations - before == 1
        chat.editable = True
        room.noticing.expect()
        await clock.move(1.0)
        await until(lambda: chat.changes == ["react 1 👀"])


async def settled_meanwhile(journal: Journal, clock: Hands, room: Room, chat: SlowChat) -> Entry:
    """Have a message end while it is reacted to."""
    await clock.move(1.0)
    await chat.gate.reached()
    entry = await journal.entry(1)
    assert entry is not None
    await journal.settle(entry, outcome=Outcome.STOPPED)
    await room.clearing.run()
    assert room.chat.changes == []
    return entry


async def test_how_it_ended_comes_after_that(journal: Journal, clock: Hands) -> None:
    """Also when it ends while the reaction is on its way."""
    chat = SlowChat()
    await accepted(journal, said(number=1))
    async with noticing(journal, clock, chat) as room:
        await settled_meanwhile(journal, clock, room, chat)
        chat.gate.release()
        await until(lambda: room.chat.changes == ["react 1 👀", "react 1 ❌"])
        assert not room.clearing.owes_marks


async def test_a_turn_without_signs_ends_those_of_others(journal: Journal, clock: Hands) -> None:
    """It was too quick for any, but what had waited with it gets its mark at once."""
    entry = await accepted(journal, said(number=1))
    await journal.accept(said(number=2), lane=LANE)
    async with noticing(journal, clock, FakeChat()) as room:
        async with room.progress.shown(entry, a_bot()):
            await clock.move(1.0)
            await until(lambda: "react 2 👀" in room.chat.changes)
        await until(lambda: not room.clearing.busy)
        await room.clearing.run()
        second = await journal.entry(entry.seq + 1)
        assert second is not None
        async with room.progress.shown(second, a_bot()):
            await journal.settle(second, outcome=Outcome.ANSWERED)
        await until(lambda: room.chat.changes[-1] == "react 2 ✅")
