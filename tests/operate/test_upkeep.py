from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.config.settings import Settings
from bot.journal import Journal
from bot.operate.disk import LEAST_FREE_BYTES, DiskSpace, is_low
from bot.operate.schedule import open_schedule
from bot.operate.upkeep import (
    JournalRetention,
    Retirement,
    SessionExpiry,
    session_ttl,
    upkeep_jobs,
)
from bot.records import Outcome
from tests.operate.characters import LANE, WATERCOOLER, Clock, FakeRoster, make_bot, make_message

DAY = 86_400.0


class FakeSessions:
    """Sessions that note what they were told to keep."""

    def __init__(self, removed: int = 0) -> None:
        self.removed = removed
        self.in_use: frozenset[tuple[str, str]] = frozenset()
        self.ttls: dict[str, float] = {}

    async def expire(
        self, ttl_s: Callable[[str], float], in_use: frozenset[tuple[str, str]]
    ) -> int:
        """Note it."""
        self.in_use = in_use
        self.ttls = {bot: ttl_s(bot) for bot in ("ada", "bo", "cy")}
        return self.removed


@pytest.fixture
def roster() -> FakeRoster:
    """Give Ada, who remembers for an hour, and Bo, for a minute."""
    return FakeRoster(make_bot("ada"), make_bot("bo", ttl_s=60.0))


async def settle(journal: Journal) -> None:
    """End the next open message of the Watercooler."""
    entry = await journal.head(LANE)
    assert entry is not None
    await journal.settle(entry, outcome=Outcome.SKIPPED)


# ---- sessions ----


async def test_sessions_with_open_messages_are_kept(journal: Journal, roster: FakeRoster) -> None:
    """A TTL never ends while something is open; retiring bots count."""
    await journal.accept(make_message(), lane=LANE)
    roster.remove_file("bo")
    sessions = FakeSessions()
    expiry = SessionExpiry(sessions, journal, roster, ttl_s=session_ttl(roster, 5.0))
    await expiry.run()
    assert sessions.in_use == {(WATERCOOLER, "ada"), (WATERCOOLER, "bo")}
    assert sessions.ttls == {"ada": 3600.0, "bo": 60.0, "cy": 5.0}


@pytest.mark.parametrize(("removed", "said"), [(0, []), (3, ["sessions_expired"])])
async def test_expiry_speaks_when_there_is_something_to_say(
    journal: Journal, roster: FakeRoster, removed: int, said: list[str]
) -> None:
    """It runs every minute."""
    expiry = SessionExpiry(FakeSessions(removed), journal, roster, ttl_s=lambda _: 1.0)
    with capture_logs() as events:
        await expiry.run()
    assert [event["event"] for event in events] == said


# ---- journal ----


async def test_what_is_too_old_goes_and_the_rest_stays(journal: Journal, clock: Clock) -> None:
    """Settled messages after the time repeats are recognised; open ones never."""
    retention = JournalRetention(journal, dedupe_s=7 * DAY, history_s=30 * DAY, now=clock.seconds)
    await journal.accept(make_message(1), lane=LANE)
    await settle(journal)
    await journal.accept(make_message(2), lane=LANE)
    clock.pass_(6 * DAY)
    with capture_logs() as events:
        await retention.run()
        assert not events
        clock.pass_(2 * DAY)
        await retention.run()
    assert events[0]["messages"] == 1
    assert await journal.entry(1) is None
    assert await journal.entry(2) is not None
    assert (await journal.tally()).balanced


# ---- bots ----


async def test_a_removed_bot_goes_when_it_owes_nothing(
    journal: Journal, roster: FakeRoster
) -> None:
    """Until then it answers with its last version."""
    retirement = Retirement(journal, roster)
    await journal.accept(make_message(), lane=LANE)
    roster.remove_file("ada")
    for _ in range(3):
        await retirement.run()
    assert list(roster.retiring) == ["ada"]
    await settle(journal)
    await retirement.run()
    await retirement.run()
    assert not roster.retiring


async def test_a_delivery_that_was_on_its_way_is_waited_for(
    journal: Journal, roster: FakeRoster
) -> None:
    """One look is not enough: the delivery was let in before the file went."""
    retirement = Retirement(journal, roster)
    roster.remove_file("ada")
    await retirement.run()
    await journal.accept(make_message(), lane=LANE)
    await retirement.run()
    assert list(roster.retiring) == ["ada"]
    await settle(journal)
    await retirement.run()
    assert list(roster.retiring) == ["ada"]


async def test_a_bot_that_came_back_is_not_dropped(journal: Journal, roster: FakeRoster) -> None:
    """Its file was moved away and back again."""
    retirement = Retirement(journal, roster)
    ada = roster.bots["ada"]
    roster.remove_file("ada")
    await retirement.run()
    roster.bots, roster.retiring = {"ada": ada}, {}
    await retirement.run()
    assert roster.serving("ada") is ada


# ---- disk ----


@pytest.mark.parametrize(
    ("total", "free", "low"),
    [
        (100 * 2**30, 50 * 2**30, False),
        (100 * 2**30, 4 * 2**30, True),
        (2**30, LEAST_FREE_BYTES - 1, True),
        (2**30, LEAST_FREE_BYTES, False),
    ],
)
def test_a_disk_is_low_by_bytes_or_by_share(total: int, free: int, low: bool) -> None:  # noqa: FBT001 - a table's column
    """Small disks and large ones run full in different ways."""
    assert is_low(total, free) is low


async def test_one_warning_for_each_change_of_state(tmp_path: Path) -> None:
    """Not one a minute; and one word when it is over."""
    noted: list[int] = []
    frees = [900, 10, 10, 20, 900, 900, 10]
    mib = 2**20
    left = iter(frees)
    disk = DiskSpace(tmp_path, note=noted.append, usage=lambda _: (1000 * mib, 0, next(left) * mib))
    with capture_logs() as events:
        for _ in frees:
            await disk.run()
    assert [event["event"] for event in events] == ["disk_low", "disk_recovered", "disk_low"]
    assert noted == [free * mib for free in frees]


async def test_a_real_disk_can_be_read(tmp_path: Path) -> None:
    """And a folder that is gone is an OSError, which the schedule bears."""
    noted: list[int] = []
    await DiskSpace(tmp_path, note=noted.append).run()
    assert noted[0] > 0
    with pytest.raises(FileNotFoundError):
        await DiskSpace(tmp_path / "gone", note=noted.append).run()


# ---- all of them ----


async def test_the_jobs_of_a_server_run(
    journal: Journal, roster: FakeRoster, tmp_path: Path
) -> None:
    """On the real schedule, over a real journal."""
    jobs = upkeep_jobs(
        FakeSessions(),
        journal,
        roster,
        settings=Settings(session_cache=tmp_path),
        disk_free=lambda _: None,
    )
    assert [job.name for job in jobs] == ["sessions", "journal", "bots", "disk"]
    async with open_schedule(jobs):
        for job in jobs:
            await job.run()
