"""Who is tried beside whom, after a crash."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from uuid import uuid4

import anyio
import pytest
from anyio.lowlevel import checkpoint

from bot.journal import Journal
from bot.records import AttemptState, Entry
from bot.rooms.quarantine import Quarantine, Suspicion, suspicion_of
from tests.rooms.people import LANE, accepted, said

NONE, SOME, STRONG = Suspicion


class Trials:
    """Messages in a quarantine, each tried until the test lets it end."""

    def __init__(self, group: asyncio.TaskGroup, quarantine: Quarantine) -> None:
        self.quarantine = quarantine
        #: Who is tried now.
        self.inside: list[str] = []
        self.refused: list[str] = []
        self._group = group
        self._ends: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def come(self, name: str, suspicion: Suspicion, *, calm_s: float = 0.0) -> None:
        """Let a message come."""
        self._ends[name] = asyncio.Event()
        trial = self._try(name, suspicion, calm_s)
        self.tasks[name] = self._group.create_task(trial, name=name)
        await anyio.wait_all_tasks_blocked()

    async def end(self, name: str) -> None:
        """Let its trial end."""
        self._ends[name].set()
        await anyio.wait_all_tasks_blocked()

    async def _try(self, name: str, suspicion: Suspicion, calm_s: float) -> None:
        async with self.quarantine.tried(suspicion, calm_s=calm_s) as admitted:
            if not admitted:
                self.refused.append(name)
                return
            self.inside.append(name)
            try:
                await self._ends[name].wait()
            finally:
                self.inside.remove(name)


@asynccontextmanager
async def trials() -> AsyncIterator[Trials]:
    """Open a quarantine; what is in it in the end is let go."""
    async with asyncio.TaskGroup() as group:
        running = Trials(group, Quarantine())
        yield running
        for task in running.tasks.values():
            task.cancel()


async def test_the_innocent_run_beside_each_other() -> None:
    """Without a crash there is no quarantine."""
    async with trials() as running:
        for name in ("one", "two", "three"):
            await running.come(name, NONE)
        assert running.inside == ["one", "two", "three"]


async def test_suspects_are_tried_one_at_a_time() -> None:
    """In the order of their coming; they hold no innocent message up."""
    async with trials() as running:
        await running.come("first", SOME)
        await running.come("second", SOME)
        await running.come("innocent", NONE)
        assert running.inside == ["first", "innocent"]
        await running.end("first")
        assert running.inside == ["innocent", "second"]


async def test_a_strong_suspect_is_alone() -> None:
    """It waits until nothing runs; who comes after it waits for it."""
    async with trials() as running:
        await running.come("innocent", NONE)
        await running.come("strong", STRONG)
        await running.come("late", NONE)
        await running.come("suspect", SOME)
        assert running.inside == ["innocent"]
        await running.end("innocent")
        assert running.inside == ["strong"]
        await running.come("later", NONE)
        assert running.inside == ["strong"]
        await running.end("strong")
        assert running.inside == ["late", "suspect", "later"]


async def test_one_alone_after_the_other() -> None:
    """Two strong suspects are not tried beside each other."""
    async with trials() as running:
        await running.come("one", STRONG)
        await running.come("two", STRONG)
        assert running.inside == ["one"]
        await running.end("one")
        assert running.inside == ["two"]


async def test_who_crashed_alone_holds_nobody_up_while_it_waits() -> None:
    """The other rooms are served before it is tried again."""
    async with trials() as running:
        await running.come("strong", STRONG, calm_s=3600.0)
        await running.come("innocent", NONE)
        assert running.inside == ["innocent"]


async def test_who_crashed_alone_is_tried_when_its_time_comes() -> None:
    """Nobody has to come for that."""
    tried = asyncio.Event()
    quarantine = Quarantine()

    async def trial() -> None:
        async with quarantine.tried(STRONG, calm_s=0.01) as admitted:
            assert admitted
            tried.set()

    async with asyncio.timeout(10):
        await trial()
    assert tried.is_set()


async def test_a_stop_lets_nobody_in() -> None:
    """Who waits is refused at once, who comes later too; who is inside may finish."""
    async with trials() as running:
        await running.come("inside", SOME)
        await running.come("waiting", SOME)
        running.quarantine.close()
        await running.come("late", NONE)
        assert (running.inside, running.refused) == (["inside"], ["waiting", "late"])


@pytest.mark.parametrize("seed", range(20))
async def test_any_schedule_keeps_the_rules(seed: int) -> None:
    """Whoever comes, ends or is cancelled when: nobody stands beside whom they must not."""
    chance = Random(seed)  # noqa: S311 - no secret
    quarantine = Quarantine()
    inside: list[Suspicion] = []
    tried = 0

    async def trial(suspicion: Suspicion) -> None:
        nonlocal tried
        async with quarantine.tried(suspicion):
            inside.append(suspicion)
            assert inside.count(SOME) <= 1
            assert STRONG not in inside or len(inside) == 1
            tried += 1
            try:
                for _ in range(chance.randrange(5)):
                    await checkpoint()
            finally:
                inside.remove(suspicion)

    cancelled = 0
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        tasks = []
        for _ in range(100):
            tasks.append(group.create_task(trial(chance.choice([NONE, NONE, SOME, STRONG]))))
            await checkpoint()
            if chance.random() < 0.2:
                cancelled += chance.choice(tasks).cancel()
    assert not inside
    assert 100 - cancelled <= tried <= 100
    async with asyncio.timeout(1), quarantine.tried(STRONG) as admitted:
        assert admitted


async def crash(journal: Journal, entry: Entry) -> Entry:
    """Let the server go away while *entry* is tried."""
    await journal.start_attempt(entry, session_id="s", prompt_uuid=str(uuid4()))
    await journal.take_rooms()
    return await accepted(journal, said())


async def test_suspicion_grows_with_the_crashes(journal: Journal) -> None:
    """Running when the server went away makes a suspect, and once more a strong one."""
    entry = await accepted(journal, said())
    seen = [suspicion_of(entry)]
    for _ in range(3):
        entry = await crash(journal, entry)
        seen.append(suspicion_of(entry))
    assert seen == [NONE, SOME, STRONG, STRONG]


async def test_a_stop_makes_no_suspect(journal: Journal) -> None:
    """What is cut off when the grace is over, or killed while it lasts, has crashed nothing."""
    entry = await accepted(journal, said())
    await journal.start_attempt(entry, session_id="s", prompt_uuid="p")
    await journal.excuse_running()
    assert await journal.take_rooms() == 0
    entry = await accepted(journal, said())
    assert [attempt.state for attempt in entry.attempts] == [AttemptState.CUT_OFF]
    assert suspicion_of(entry) is NONE


async def test_a_failed_attempt_makes_no_suspect(journal: Journal) -> None:
    """A child that dies is not the server."""
    entry = await accepted(journal, said())
    attempt = await journal.start_attempt(entry, session_id="s", prompt_uuid="p")
    assert attempt is not None
    await journal.end_attempt(attempt, state=AttemptState.FAILED, error="exit code -9")
    await journal.take_rooms()
    assert (await journal.head(LANE)) is not None
    assert suspicion_of(await accepted(journal, said())) is NONE
