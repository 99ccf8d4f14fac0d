import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from bot.errors import JournalUnavailable
from bot.journal import Journal, inbox
from bot.journal.reception import MOST
from bot.records import Acceptance, Entry
from tests.journal.engines import LANE, Clock, SqliteEngine, busy, said


@pytest.fixture
async def news(journal: Journal) -> list[str]:
    """Collect the lanes that are told."""
    lanes: list[str] = []
    journal.on_new(lanes.append)
    return lanes


async def familiar(journal: Journal) -> None:
    """Have a message accepted, so that nothing is new about the next but its words."""
    assert await journal.accept(said(number=1), lane=LANE) is Acceptance.NEW


async def accept_all(journal: Journal, *numbers: int) -> list[Acceptance]:
    """Accept messages that arrive together."""
    together = [journal.accept(said(number=number), lane=LANE) for number in numbers]
    return await asyncio.gather(*together)


async def test_what_arrives_together_is_one_operation(journal: Journal) -> None:
    """Messages of one turn of the loop share a statement."""
    before = journal.statistics()
    await accept_all(journal, *range(50))
    after = journal.statistics()
    assert (after.operations - before.operations, after.commits - before.commits) == (1, 1)


async def test_what_comes_during_a_commit_shares_the_next(journal: Journal) -> None:
    """However often the loop turns meanwhile."""
    await familiar(journal)
    before = journal.statistics()
    async with busy(journal._writer):
        answers = []
        for number in range(2, 12):
            answers.append(journal.accept(said(number=number), lane=LANE))
            await anyio.wait_all_tasks_blocked()
    assert await asyncio.gather(*answers) == [Acceptance.NEW] * 10
    operations = journal.statistics().operations - before.operations
    assert operations == 1 + 2, "what kept the thread busy, the first, and all the others"


async def test_what_is_coming_is_announced(journal: Journal) -> None:
    """Once for each lane, when a look already finds it, which comes with its commit."""
    looks: dict[str, asyncio.Future[Entry | None]] = {}
    journal.reception.on_coming(lambda lane, _: looks.update({lane: journal.head(lane)}))
    before = journal.statistics()
    async with busy(journal._writer):
        answers = [journal.accept(said(number=number), lane=LANE) for number in (1, 2)]
        await anyio.wait_all_tasks_blocked()
        assert list(looks) == [LANE]
    head = await looks[LANE]
    assert head is not None
    assert head.message.id == "1"
    assert [answer.result() for answer in answers] == [Acceptance.NEW] * 2
    assert journal.statistics().commits - before.commits <= 1 + 1, "the look shares the commit"


async def test_a_group_is_bounded(journal: Journal) -> None:
    """The first of very many does not wait for the last."""
    before = journal.statistics().operations
    await accept_all(journal, *range(MOST + 1))
    assert journal.statistics().operations - before == 2
    assert (await journal.tally()).accepted == MOST + 1


async def test_a_lane_is_told_of_what_is_new(journal: Journal, news: list[str]) -> None:
    """Once for what landed together, and not of what was known."""
    await familiar(journal)
    assert await accept_all(journal, 1, 2, 3) == [Acceptance.REPEATED, *[Acceptance.NEW] * 2]
    assert news == [LANE, LANE]
    assert await accept_all(journal, 1, 2, 3) == [Acceptance.REPEATED] * 3
    assert news == [LANE, LANE]


async def test_a_lane_is_told_even_if_nobody_waits(journal: Journal, news: list[str]) -> None:
    """Who was cancelled, or gave up, has left a message that is owed an answer."""
    async with busy(journal._writer):
        journal.accept(said(number=1), lane="a").cancel()
        given_up = journal.accept(said(number=2), lane="b")
        given_up.set_exception(TimeoutError())
    assert isinstance(given_up.exception(), TimeoutError)
    assert (await journal.tally()).open == 2
    assert news == ["a", "b"]


async def test_copies_that_arrive_together(journal: Journal) -> None:
    """The first of two copies is the new one, also between others."""
    await familiar(journal)
    found = await accept_all(journal, 2, 1, 3, 2, 4, 4)
    new, repeated = Acceptance.NEW, Acceptance.REPEATED
    assert found == [new, repeated, new, repeated, new, repeated]
    tally = await journal.tally()
    assert (tally.accepted, tally.open) == (4, 4)


@pytest.mark.parametrize("known", [False, True])
async def test_one_that_cannot_be_stored_keeps_nobody_else_out(
    journal: Journal, news: list[str], *, known: bool
) -> None:
    """Neither in a room that is new, nor in one that is known."""
    if known:
        await familiar(journal)
    news.clear()
    impossible = replace(said(number=3), position=2**64)
    together = [
        journal.accept(message, lane=LANE)
        for message in (said(number=2), impossible, said(number=4))
    ]
    first, second, third = await asyncio.gather(*together, return_exceptions=True)
    assert (first, third) == (Acceptance.NEW, Acceptance.NEW)
    assert isinstance(second, OverflowError)
    assert news == [LANE, LANE]
    assert (await journal.tally()).accepted == 2 + known


async def test_a_bug_that_nobody_waits_for_is_heard(journal: Journal) -> None:
    """The loop reports it when the caller has gone."""
    heard: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: heard.append(context["exception"]))
    async with busy(journal._writer):
        journal.accept(replace(said(), position=2**64), lane=LANE).cancel()
    await journal.tally()
    loop.set_exception_handler(None)
    assert [type(error) for error in heard] == [OverflowError]


async def test_what_has_come_before_the_end_lands(tmp_path: Path) -> None:
    """Closing hands over what was gathered during a commit, and refuses what comes later."""
    engine = SqliteEngine(tmp_path / "journal.db")
    async with engine.open() as journal:
        first = journal.accept(said(number=1), lane=LANE)
        second = journal.accept(said(number=2), lane=LANE)
    assert (first.result(), second.result()) == (Acceptance.NEW, Acceptance.NEW)
    with pytest.raises(JournalUnavailable, match="closed"):
        await journal.accept(said(number=3), lane=LANE)
    async with engine.open() as journal:
        assert (await journal.tally()).accepted == 2


async def test_a_failed_statement_leaves_nothing(journal: Journal) -> None:
    """A disk that refuses the one statement of a familiar room: no row, no count."""
    await familiar(journal)
    pages = "PRAGMA page_count"
    count = await journal._writer.read(lambda db: db.execute(pages).fetchone()[0])
    limit = f"PRAGMA max_page_count = {count}"
    await journal._writer.read(lambda db: db.execute(limit).fetchall())
    with pytest.raises(JournalUnavailable, match="disk is full"):
        await journal.accept(said("x" * 100_000, number=2), lane=LANE)
    tally = await journal.tally()
    assert (tally.accepted, tally.open, tally.balanced) == (1, 1, True)
    assert journal.statistics().failures == 1


async def test_what_was_not_seen_to_land_is_answered(
    journal: Journal, news: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row is there, but which of them is new cannot be read: its lane is told all the same."""
    await familiar(journal)
    news.clear()
    monkeypatch.setattr(inbox, "_NEWEST", "SELECT broken")
    assert Acceptance.NEW not in await accept_all(journal, 1, 2)
    assert LANE in news
    tally = await journal.tally()
    assert (tally.accepted, tally.open, tally.balanced) == (2, 2, True)


async def test_a_room_that_changes_its_name_is_known_by_the_new_one(journal: Journal) -> None:
    """Also when it was familiar a moment ago."""
    await familiar(journal)
    await journal.accept(replace(said(number=2), room_name="Kitchen"), lane=LANE)
    (place,) = await journal.places.used_since(0)
    assert place.room_name == "Kitchen"


async def test_a_place_in_use_is_seen_to_be(journal: Journal, clock: Clock) -> None:
    """Its time of last use follows, a minute late at most."""
    started = clock()
    for number in range(10):
        await journal.accept(said(number=number), lane=LANE)
        clock.pass_(20)
    assert len(await journal.places.used_since(started + 120)) == 1
    assert await journal.places.used_since(clock()) == ()


async def test_lanes_and_places_are_written_before_they_are_familiar(tmp_path: Path) -> None:
    """A batch that failed has left no row, so the next one writes it."""
    async with SqliteEngine(tmp_path / "journal.db").open() as journal:
        with pytest.raises(OverflowError):
            await journal.accept(replace(said(), position=2**64), lane=LANE)
        await journal.accept(said(), lane=LANE)
        assert len(await journal.places.used_since(0)) == 1
        assert await journal._writer.read(lanes) == {LANE}


async def test_the_counter_changes_with_the_row(journal: Journal) -> None:
    """It is the table that counts, so no way of accepting can forget it."""

    def insert(db: sqlite3.Connection) -> list[Acceptance]:
        return inbox.insert(db, [(said(), LANE), (said(), LANE)], at=0.0)

    assert await journal._writer.write(insert) == [
        Acceptance.NEW,
        Acceptance.REPEATED,
    ]
    assert (await journal.tally()).accepted == 1


def lanes(db: sqlite3.Connection) -> set[str]:
    """Read which lanes have an owner."""
    return {row["lane"] for row in db.execute("SELECT lane FROM room")}
