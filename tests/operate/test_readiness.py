import asyncio

import anyio

from bot.errors import JournalUnavailable
from bot.journal import Journal
from bot.operate.readiness import Readiness
from tests.operate.characters import Clock


class Disk:
    """A journal's disk that can fail, or never answer."""

    def __init__(self) -> None:
        self.tries = 0
        self.full = False
        self.stuck = False

    async def writable(self) -> None:
        """Try."""
        self.tries += 1
        if self.stuck:
            await asyncio.Event().wait()
        if self.full:
            raise JournalUnavailable("/secret/place/journal.db", "database or disk is full")


def readiness(disk: Disk | Journal, clock: Clock, **changes: object) -> Readiness:
    """Give the readiness of a server that lacks nothing, but for *changes*."""
    rest = {"bots": lambda: 1, "agent": lambda: True, "draining": lambda: False} | changes
    return Readiness(disk, now=clock.seconds, **rest)  # type: ignore[arg-type] # by name


async def test_a_server_over_a_real_journal_is_ready(journal: Journal, clock: Clock) -> None:
    """The look is a commit."""
    before = journal.statistics().commits
    assert await readiness(journal, clock).why_not() == ()
    assert journal.statistics().commits == before + 1


async def test_the_disk_is_looked_at_once_a_second(clock: Clock) -> None:
    """The page is open to everybody and each look is a sync."""
    disk = Disk()
    ready = readiness(disk, clock)
    async with anyio.create_task_group() as group:
        for _ in range(100):
            group.start_soon(ready.why_not)
    assert disk.tries == 1
    clock.pass_(1)
    await ready.why_not()
    assert disk.tries == 2


async def test_a_full_disk_is_named_without_its_path(clock: Clock) -> None:
    """And is seen to be free again."""
    disk = Disk()
    ready = readiness(disk, clock)
    disk.full = True
    assert await ready.why_not() == ("journal: cannot be written, see the log",)
    disk.full = False
    clock.pass_(1)
    assert await ready.why_not() == ()


async def test_a_stuck_disk_does_not_keep_anybody_waiting(clock: Clock) -> None:
    """A network disk may never answer."""
    disk = Disk()
    disk.stuck = True
    assert await readiness(disk, clock, patience_s=0).why_not() == ("journal: no write within 0 s",)


async def test_a_closed_journal_is_not_ready(journal: Journal, clock: Clock) -> None:
    """As at the end of a shutdown."""
    await journal._writer.close()
    (why,) = await readiness(journal, clock).why_not()
    assert why.startswith("journal: ")


async def test_bots_agent_and_shutdown_count(clock: Clock) -> None:
    """They are asked at every look."""
    ready = readiness(Disk(), clock, bots=lambda: 0, agent=lambda: False, draining=lambda: True)
    whys = await ready.why_not()
    assert [why.split(":")[0] for why in whys] == ["server", "bots", "agent"]
