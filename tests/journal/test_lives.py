"""How the server ended, when, and who ran then."""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import anyio
import pytest

from bot.journal import Journal
from bot.journal.lock import last_life
from bot.journal.schema import MIGRATIONS
from bot.journal.views import LostLife, Trial, Trials
from bot.records import Entry, Outcome, PartKind
from tests.journal.engines import LANE, NOON, Clock, SqliteEngine, said
from tests.journal.test_crash import crash

LATER = NOON.timestamp() + 3600


@pytest.fixture
def engine(tmp_path: Path) -> SqliteEngine:
    """Give the journal on a real file."""
    return SqliteEngine(tmp_path / "journal.db")


@pytest.fixture
def lock(engine: SqliteEngine) -> Path:
    """Name its lock file."""
    return Path(f"{engine.path}.lock")


async def asked(journal: Journal, number: int = 1) -> Entry:
    """Accept a message in a lane of its own, unless that was done before."""
    lane = f"{LANE}/{number}"
    await journal.accept(said(number=number), lane=lane)
    entry = await journal.head(lane)
    assert entry is not None
    return entry


async def begin(journal: Journal, entry: Entry, *, alone: bool = True) -> None:
    """Begin to try it."""
    attempt = await journal.start_attempt(
        entry, session_id="s", prompt_uuid=str(uuid4()), alone=alone
    )
    assert attempt is not None


async def lost_lives(journal: Journal, entry: Entry) -> list[int]:
    """Count the lives that were lost since the first trial, from its own on."""
    found = await journal.lives.trials(entry.seq)
    first = found.of_message[0].life
    return [life.number - first for life in found.lost]


async def test_a_message_that_was_never_tried_alone_has_no_trials(journal: Journal) -> None:
    """However often the server ended while it ran beside others."""
    entry = await asked(journal)
    for _ in range(3):
        await begin(journal, entry, alone=False)
        await journal.take_rooms()
    assert await journal.lives.trials(entry.seq) == Trials(of_message=(), lost=())


async def test_an_end_counts_when_nobody_stopped_the_server(journal: Journal) -> None:
    """Also while nothing ran; a stop that was asked for does not, whatever comes after it."""
    await journal.take_rooms()
    entry = await asked(journal)
    await begin(journal, entry)
    await journal.take_rooms()
    await journal.take_rooms()  # lost, while nothing ran
    await journal.excuse_running()
    await journal.take_rooms()
    assert await lost_lives(journal, entry) == [1]
    await journal.take_rooms()
    assert await lost_lives(journal, entry) == [1, 3]


async def test_a_killed_process_has_lost_its_life(engine: SqliteEngine) -> None:
    """A kill -9 is told from an orderly end by what is on disk."""
    await crash(engine, "in_a_turn")
    async with engine.open() as journal:
        assert await journal.take_rooms() == 1
        entry = await journal.head(LANE)
        assert entry is not None
        await journal.excuse_running()
    async with engine.open() as journal:
        await journal.take_rooms()
        assert await lost_lives(journal, entry) == []
    async with engine.open() as journal:  # a journal that is closed is no server that was stopped
        await journal.take_rooms()
        assert await lost_lives(journal, entry) == [2]


@pytest.mark.parametrize(
    ("seen_s", "lasted_s"),
    [(12.25, 12.25), (-60.0, 0.0), (3600.0, 3600.0), (9999.0, 3600.0)],
)
async def test_an_end_is_when_the_server_was_seen_last(
    engine: SqliteEngine, lock: Path, seen_s: float, lasted_s: float
) -> None:
    """And never before the attempt, nor after the next start."""
    began = NOON.timestamp()
    async with engine.open() as journal:
        await journal.take_rooms()
        entry = await asked(journal)
        await begin(journal, entry)
    os.utime(lock, (began + seen_s, began + seen_s))
    async with engine.open(now=lambda: LATER) as journal:
        await journal.take_rooms()
        (trial,) = (await journal.lives.trials(entry.seq)).of_message
        assert trial.lasted_s == lasted_s


async def test_whoever_opens_the_journal_in_between_changes_nothing(
    engine: SqliteEngine, lock: Path
) -> None:
    """An operator lists dead letters before the server is started again."""
    async with engine.open():
        pass
    os.utime(lock, (LATER, LATER))
    async with engine.open():
        assert last_life(lock) == LATER


async def test_the_server_notes_that_it_lives(engine: SqliteEngine, lock: Path) -> None:
    """Again and again, as long as somebody cares, by the clock that it is given."""
    clock, thrice = Clock(), asyncio.Event()

    def now() -> float:
        clock.pass_(1.0)
        if clock.seconds >= NOON.timestamp() + 3:
            thrice.set()
        return clock.seconds

    async with engine.open(now=now) as journal:
        untouched = last_life(lock)
        assert clock.seconds == NOON.timestamp()
        with journal.lives.noted(every_s=0.001):
            async with asyncio.timeout(10):
                await thrice.wait()
        assert last_life(lock) != untouched
        assert NOON.timestamp() < last_life(lock) <= clock.seconds


async def test_a_lock_file_that_is_gone_stops_nobody(engine: SqliteEngine, lock: Path) -> None:
    """The end is not known then, but for that there was one."""
    async with engine.open() as journal:
        await journal.take_rooms()
        entry = await asked(journal)
        await begin(journal, entry)
        await anyio.Path(lock).unlink()
        with journal.lives.noted():
            pass
        await journal.take_rooms()
        assert [t.lasted_s for t in (await journal.lives.trials(entry.seq)).of_message] == [0.0]


async def test_who_ran_and_was_never_answered_is_a_suspect(journal: Journal) -> None:
    """If it was tried alone as well; an answer clears it."""
    await journal.take_rooms()
    mine, other, third = [await asked(journal, number) for number in (1, 2, 3)]
    for entry in (mine, other):
        await begin(journal, entry)
        await journal.take_rooms()
    for entry in (other, third):
        await begin(journal, entry, alone=False)
    await journal.take_rooms()
    found = await journal.lives.trials(mine.seq)
    own, others = Trial(life=1, lasted_s=0.0), Trial(life=2, lasted_s=0.0)
    assert found.of_message == (own,)
    assert found.lost == (
        LostLife(number=2, suspects=((others,),)),
        LostLife(number=3, suspects=((others,),)),
    )
    await journal.settle(other, outcome=Outcome.ANSWERED)
    found = await journal.lives.trials(mine.seq)
    assert found.lost == (LostLife(number=2, suspects=()), LostLife(number=3, suspects=()))


async def test_an_answer_clears_before_it_is_posted(journal: Journal) -> None:
    """The agent got through; what may end the server from there on is not its question."""
    await journal.take_rooms()
    mine, other = [await asked(journal, number) for number in (1, 2)]
    for entry in (mine, other):
        await begin(journal, entry)
        await journal.take_rooms()
    assert (await journal.lives.trials(mine.seq)).lost[0].suspects != ()
    await journal.freeze(
        other,
        ("<p>Hello.</p>",),
        kind=PartKind.ANSWER,
        verdict=Outcome.ANSWERED,
        attempt=None,
        answer_text="Hello.",
    )
    assert (await journal.lives.trials(mine.seq)).lost[0].suspects == ()


async def test_lives_that_ended_in_order_leave_nothing(journal: Journal) -> None:
    """However often the server is stopped and started: nobody will be judged by them."""
    for _ in range(3):
        await journal.take_rooms()
        await journal.excuse_running()
    await journal.take_rooms()
    lives = await journal._writer.read(lambda db: db.execute("SELECT * FROM life").fetchall())
    assert len(lives) == 1, "the one that runs"


async def test_a_dead_letter_stays_a_suspect_until_it_is_forgiven(journal: Journal) -> None:
    """Who was given up may well have done it; an operator who retries it thinks otherwise."""
    await journal.take_rooms()
    mine, other = [await asked(journal, number) for number in (1, 2)]
    for entry in (mine, other):
        await begin(journal, entry)
        await journal.take_rooms()
    await journal.settle(other, outcome=Outcome.DEAD, reason="crashed")
    assert (await journal.lives.trials(mine.seq)).lost[0].suspects != ()
    await journal.letters.retry(other.seq)
    assert (await journal.lives.trials(mine.seq)).lost[0].suspects == ()


async def test_old_lives_are_forgotten(engine: SqliteEngine) -> None:
    """Together with the messages of that time; the one that runs is not."""
    clock = Clock()
    async with engine.open(now=clock) as journal:
        await journal.take_rooms()
        entry = await asked(journal)
        await begin(journal, entry)
        await journal.take_rooms()
        await journal.take_rooms()
        clock.pass_(10.0)
        await journal.take_rooms()
        assert await lost_lives(journal, entry) == [1, 2]
        await journal.expire(settled_before=NOON.timestamp() + 5, history_before=0.0)
        assert await lost_lives(journal, entry) == [2]


async def test_an_older_servers_journal_is_taken_over(
    engine: SqliteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it was interrupted in counts, and is older than whatever is lost from now on."""
    with monkeypatch.context() as patch:
        patch.setattr("bot.journal.schema.MIGRATIONS", MIGRATIONS[:1])
        async with engine.open() as journal:
            entry = await asked(journal)
            await begin(journal, entry)
    with closing(sqlite3.connect(engine.path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
    async with engine.open() as journal:
        assert await journal.take_rooms() == 1
        await journal.take_rooms()
        found = await journal.lives.trials(entry.seq)
        assert [trial.life for trial in found.of_message] == [0]
        assert [life.number for life in found.lost] == [1]
