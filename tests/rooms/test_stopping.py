"""A stop that comes at any moment of a turn: nothing more is said, and the turn ends as stopped."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from anyio import wait_all_tasks_blocked

from bot.agent.reply import Listener
from bot.config.bot import Bot, ReplyRules
from bot.errors import ChatUnavailable
from bot.journal import Journal
from bot.journal.orders import Stop
from bot.records import Entry, Outcome, SessionKey
from bot.rooms.answering import Answering
from bot.rooms.loop_guard import LoopGuard
from bot.rooms.posting import Posting
from bot.rooms.quarantine import Quarantine, Suspicion
from bot.rooms.turn import Turns
from tests.rooms.people import (
    KIM,
    LANE,
    LEE,
    Clock,
    FakeAgent,
    FakeChat,
    FakePage,
    FakeProgress,
    FakeRoster,
    FakeSeat,
    FakeSessions,
    a_bot,
    accepted,
    said,
)


class Waits:
    """Somewhere in a turn where it waits for ever."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()

    async def __call__(self, *_: object, **_named: object) -> None:
        """Wait."""
        self.reached.set()
        await asyncio.Event().wait()


class SlowSessions(FakeSessions):
    """Sessions in which it takes for ever to get a seat, or to be answered."""

    def __init__(self, waits: Waits, *, boots: bool) -> None:
        super().__init__("all\nis well")
        self._waits = waits
        self._boots = boots

    @asynccontextmanager
    async def seat(self, bot: Any, key: SessionKey, **how: Any) -> AsyncIterator[FakeSeat]:
        """Give a seat, or not."""
        if self._boots:
            await self._waits()
        async with super().seat(bot, key, **how) as seat:
            seat.ask = self._waits  # type: ignore[method-assign, assignment]  # it answers nobody
            yield seat


class SlowChat(FakeChat):
    """A platform that takes its time with the first part."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.stores = asyncio.Event(), asyncio.Event()

    async def post(self, *, room: str, html: str, key: str) -> str | None:
        """Post, some time."""
        self.first.set()
        await self.stores.wait()
        return await super().post(room=room, html=html, key=key)


Sleep = Callable[[float], Coroutine[Any, Any, None]]


class Stage:
    """A turn, and what stands around it."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        *,
        sessions: FakeSessions | None = None,
        chat: FakeChat | None = None,
        sleep: Sleep | None = None,
        bot: Bot | None = None,
    ) -> None:
        self.chat = chat or FakeChat()
        self.quarantine = Quarantine()
        self._journal = journal
        self.turns = Turns(
            journal,
            Answering(journal, sessions or FakeSessions("all\nis well"), FakeAgent()),
            Posting(journal, now=clock, sleep=sleep or clock.sleep),
            self.quarantine,
            LoopGuard(journal, {"campfire": FakePage()}),
            FakeRoster(bot or a_bot()),
            {"campfire": self.chat},
            progress=FakeProgress(),
            now=clock,
        )

    async def stop(self) -> None:
        """Have Kim stop all that is hers."""
        obeyed = await self._journal.orders.obey(
            said("stop", number=9), lane=f"!{LANE}/ada", order=Stop(author=KIM.id)
        )
        for seq in obeyed.stopped.messages:
            self.turns.end(seq)

    async def outcome(self, entry: Entry) -> Outcome | None:
        """Run the turn; return how it ended."""
        report = await self.turns.run(entry)
        return report.outcome if report is not None else None


async def is_stopped(journal: Journal, stage: Stage, entry: Entry, at: asyncio.Event) -> None:
    """Run a turn, stop it when it is *at* some point, and see how it ends."""
    async with asyncio.TaskGroup() as group:
        turn = group.create_task(stage.outcome(entry))
        await at.wait()
        await stage.stop()
    assert turn.result() is Outcome.STOPPED
    assert await journal.head(LANE) is None
    tally = await journal.tally()
    assert (tally.stopped, tally.balanced) == (1, True)


@pytest.mark.parametrize("boots", [True, False])
async def test_while_it_opens_or_asks(journal: Journal, clock: Clock, *, boots: bool) -> None:
    """Nothing is said."""
    waits = Waits()
    stage = Stage(journal, clock, sessions=SlowSessions(waits, boots=boots))
    await is_stopped(journal, stage, await accepted(journal, said()), waits.reached)
    assert stage.chat.tried == []


async def test_while_it_waits_to_be_tried(journal: Journal, clock: Clock) -> None:
    """Another message is tried alone; this one leaves the line."""
    stage, alone = Stage(journal, clock), asyncio.Event()
    entry = await accepted(journal, said())
    async with stage.quarantine.tried(Suspicion.STRONG):
        async with asyncio.TaskGroup() as group:
            turn = group.create_task(stage.outcome(entry))
            await wait_all_tasks_blocked()
            alone.set()
            await stage.stop()
        assert turn.result() is Outcome.STOPPED
    assert stage.chat.tried == []


async def test_before_it_begins(journal: Journal, clock: Clock) -> None:
    """The lane had read it already."""
    stage = Stage(journal, clock)
    entry = await accepted(journal, said())
    await stage.stop()
    assert await stage.outcome(entry) is Outcome.STOPPED
    assert stage.chat.tried == []


async def test_while_its_first_part_is_posted(journal: Journal, clock: Clock) -> None:
    """What is on its way arrives, and is known; the rest is never sent."""
    chat = SlowChat()
    stage = Stage(journal, clock, chat=chat)
    entry = await accepted(journal, said())
    async with asyncio.TaskGroup() as group:
        turn = group.create_task(stage.outcome(entry))
        await chat.first.wait()
        await stage.stop()
        chat.stores.set()
    assert turn.result() is Outcome.STOPPED
    assert chat.room == ["<p>all</p>"]
    current = await journal.entry(entry.seq)
    assert current is not None
    assert [part.remote_id for part in current.parts] == ["101", None]


async def test_while_it_waits_for_the_next_try(journal: Journal, clock: Clock) -> None:
    """The pause is cut short, and it is not tried again."""
    waits = Waits()
    chat = FakeChat(fates=[ChatUnavailable("busy")])
    stage = Stage(journal, clock, chat=chat, sleep=waits)
    await is_stopped(journal, stage, await accepted(journal, said()), waits.reached)
    assert (len(chat.tried), chat.room) == (1, [])


async def test_when_all_is_said(journal: Journal, clock: Clock) -> None:
    """Then there is nothing to stop."""
    stage = Stage(journal, clock)
    entry = await accepted(journal, said())
    assert await stage.outcome(entry) is Outcome.ANSWERED
    await stage.stop()
    assert (await journal.tally()).stopped == 0


async def test_an_open_message_is_left_to_the_next_turn(journal: Journal, clock: Clock) -> None:
    """Whoever ends a turn without ending its message has it run again."""
    waits = Waits()
    stage = Stage(journal, clock, sessions=SlowSessions(waits, boots=False))
    entry = await accepted(journal, said())
    async with asyncio.TaskGroup() as group:
        turn = group.create_task(stage.outcome(entry))
        await waits.reached.wait()
        assert stage.turns.end(entry.seq)
    assert turn.result() is None
    head = await journal.head(LANE)
    assert head is not None
    assert head.seq == entry.seq


async def test_who_has_stopped_at_the_last_moment_is_not_named(
    journal: Journal, clock: Clock
) -> None:
    """The answer is there when Kim stops what she asked along with Lee."""
    bot = a_bot()
    bot = replace(
        bot, turn=replace(bot.turn, when_busy="collect"), reply=ReplyRules(mention="always")
    )
    entry = await accepted(journal, said(number=1, author=LEE))
    await journal.accept(said(number=2), lane=LANE)
    sessions = FakeSessions("all is well")
    stage = Stage(journal, clock, sessions=sessions, bot=bot)

    async def think(_: Listener) -> None:
        await stage.stop()

    sessions.think = think
    assert await stage.outcome(entry) is Outcome.ANSWERED
    assert stage.chat.room == ["<p>@Lee all is well</p>"]


async def test_an_addition_that_was_stopped_is_not_heard(journal: Journal) -> None:
    """Its turn had begun, and could not be ended yet."""
    first = await accepted(journal, said(number=1))
    attempt = await journal.start_attempt(first, session_id="a-session", prompt_uuid="p-1")
    assert attempt is not None
    await journal.accept(said(number=2), lane=LANE)
    (entry,) = await journal.companions.candidates(first, author=KIM.id, limit=9)
    assert await journal.companions.add(entry, to=attempt, prompt_uuid="p-2")
    entry = await journal.entry(entry.seq) or entry
    await journal.settle(entry, outcome=Outcome.STOPPED)
    answering = Answering(journal, FakeSessions(), FakeAgent())
    assert await answering.answer(entry, a_bot()) is None
