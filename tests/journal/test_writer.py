import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from threading import get_ident

import pytest

from bot.errors import JournalError, JournalUnavailable
from bot.journal import Journal
from bot.journal.store import connect
from bot.journal.writer import Writer, open_writer
from bot.records import Acceptance, Outcome
from tests.journal.engines import LANE, SqliteEngine, busy, no_room_after, said


class FaultyConnection(sqlite3.Connection):
    """A connection whose disk fails at the statements that are named, until it is mended."""

    faults: tuple[str, ...] = ()

    def execute(self, sql: str, *arguments: object) -> sqlite3.Cursor:
        """Run *sql*, unless a fault strikes."""
        if sql in self.faults:
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(sql, *arguments)


def faulty(path: Path) -> sqlite3.Connection:
    """Open the file as the store does, over a disk that can fail."""
    connect(path).close()
    return sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, factory=FaultyConnection
    )


def note(text: str, db: sqlite3.Connection) -> int:
    """Write something; the table is as good as any other."""
    return db.execute("INSERT INTO node (id, beat) VALUES (?, 0)", (text,)).rowcount


def notes(db: sqlite3.Connection) -> set[str]:
    """Read what was written."""
    return {row["id"] for row in db.execute("SELECT id FROM node")}


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[Writer]:
    """Give a writer over a disk that can fail."""
    async with open_writer(tmp_path / "journal.db", faulty) as writer:
        yield writer


async def break_at(writer: Writer, *statements: str) -> None:
    """Let the disk fail at *statements* from now on; none mends it."""

    def set_faults(db: sqlite3.Connection) -> None:
        assert isinstance(db, FaultyConnection)
        db.faults = statements

    await writer.read(set_faults)


async def test_what_waits_shares_one_commit(writer: Writer) -> None:
    """A hundred operations that queue while the thread is busy cost one sync."""
    before = writer.statistics().commits
    async with busy(writer):
        written = [writer.write(lambda db, n=n: note(f"n{n}", db)) for n in range(100)]
    await asyncio.gather(*written)
    statistics = writer.statistics()
    assert statistics.commits - before == 1
    assert statistics.largest_batch == 100
    assert statistics.last_commit_s > 0


async def test_concurrent_accepts_share_commits(journal: Journal) -> None:
    """Many deliveries at once need far fewer commits than there are deliveries."""
    before = journal.statistics().commits
    messages = [said(number=number) for number in range(400)]
    await asyncio.gather(*(journal.accept(message, lane=LANE) for message in messages))
    assert journal.statistics().commits - before <= 40
    assert (await journal.tally()).accepted == 400


async def test_a_batch_is_bounded(writer: Writer) -> None:
    """The first of very many does not wait for the last."""
    async with busy(writer):
        written = [writer.write(lambda db, n=n: note(f"n{n}", db)) for n in range(1100)]
    await asyncio.gather(*written)
    assert writer.statistics().largest_batch == 512


async def test_reads_need_no_commit(writer: Writer) -> None:
    """A batch of reads only is answered without a transaction."""
    before = writer.statistics()
    assert await writer.read(notes) == set()
    after = writer.statistics()
    assert (after.commits, after.operations) == (before.commits, before.operations + 1)


async def test_a_read_sees_the_writes_before_it(writer: Writer) -> None:
    """Operations happen in the order of their submission, in one batch too."""
    async with busy(writer):
        first = writer.write(lambda db: note("first", db))
        seen = writer.read(notes)
        last = writer.write(lambda db: note("last", db))
    await asyncio.gather(first, last)
    assert await seen == {"first"}


async def test_everything_runs_in_one_thread(writer: Writer) -> None:
    """The connection has one owner, and it is not the loop's thread."""
    threads = {await writer.read(lambda _: get_ident()) for _ in range(3)}
    assert len(threads) == 1
    assert threads != {get_ident()}


async def test_a_broken_rule_fails_alone(writer: Writer) -> None:
    """One operation that the tables refuse leaves nothing, and its neighbours land."""

    def half(db: sqlite3.Connection) -> None:
        note("half", db)
        note("before", db)

    async with busy(writer):
        before = writer.write(lambda db: note("before", db))
        wrong = writer.write(half)
        after = writer.write(lambda db: note("after", db))
    with pytest.raises(JournalError, match="refused an operation: UNIQUE") as caught:
        await wrong
    assert not isinstance(caught.value, JournalUnavailable)
    assert await before == await after == 1
    assert await writer.read(notes) == {"before", "after"}


async def test_a_bug_reaches_its_caller(writer: Writer) -> None:
    """An error that is not the disk's is raised where the operation was awaited, undone."""

    def buggy(db: sqlite3.Connection) -> None:
        note("half", db)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await writer.write(buggy)
    assert await writer.read(notes) == set()


async def test_one_that_is_alone_needs_no_savepoint(writer: Writer) -> None:
    """It leaves nothing when it fails all the same, and the next one finds an open door."""
    await break_at(writer, "SAVEPOINT operation", "RELEASE operation")

    def half(db: sqlite3.Connection) -> None:
        note("half", db)
        note("half", db)

    with pytest.raises(JournalError, match="UNIQUE"):
        await writer.write(half)
    assert await writer.write(lambda db: note("whole", db)) == 1
    assert await writer.read(notes) == {"whole"}


async def test_a_statement_alone_is_a_transaction_of_its_own(writer: Writer) -> None:
    """It begins none and commits none, and counts as a commit."""
    before = writer.statistics()
    await break_at(writer, "BEGIN IMMEDIATE", "COMMIT")
    async with busy(writer):  # which is a read, as what comes behind
        written = writer.write_at_once(lambda db: note("whole", db))
        seen = writer.read(notes)
    assert (await written, await seen) == (1, {"whole"})
    with pytest.raises(JournalError, match="UNIQUE"):
        await writer.write_at_once(lambda db: note("whole", db))
    assert await writer.read(notes) == {"whole"}
    after = writer.statistics()
    assert (after.commits - before.commits, after.failures - before.failures) == (1, 1)
    assert after.last_commit_s > 0


async def test_a_statement_shares_the_transaction_of_others(writer: Writer) -> None:
    """When it is not alone, it costs no sync of its own."""
    before = writer.statistics().commits
    async with busy(writer):
        written = [
            write(lambda db, n=n: note(f"n{n}", db))
            for n, write in enumerate((writer.write_at_once, writer.write, writer.write_at_once))
        ]
    await asyncio.gather(*written)
    assert writer.statistics().commits - before == 1
    assert await writer.read(notes) == {"n0", "n1", "n2"}


async def test_a_statement_that_fails_leaves_nothing_without_a_savepoint(writer: Writer) -> None:
    """SQLite undoes it by itself, all rows of it, and its neighbours land."""
    await break_at(writer, "SAVEPOINT operation", "ROLLBACK TO operation", "ROLLBACK")

    def two(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO node (id, beat) VALUES ('half', 0), ('before', 0)")

    async with busy(writer):
        before = writer.write_at_once(lambda db: note("before", db))
        wrong = writer.write_at_once(two)
        after = writer.write_at_once(lambda db: note("after", db))
    with pytest.raises(JournalError, match="refused an operation: UNIQUE"):
        await wrong
    assert await before == await after == 1
    assert await writer.read(notes) == {"before", "after"}


async def test_a_bug_without_a_caller_is_heard(writer: Writer) -> None:
    """When the caller was cancelled, the loop's exception handler gets the bug."""
    heard: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: heard.append(context["exception"]))
    async with busy(writer):
        writer.write(lambda _: 1 // 0).cancel()
    await writer.read(notes)
    loop.set_exception_handler(None)
    assert [type(error) for error in heard] == [ZeroDivisionError]


async def test_a_failed_commit_fails_all_and_shows_nothing(writer: Writer) -> None:
    """Nobody is told yes, nothing is there, and the next operation works when the disk does."""
    await break_at(writer, "COMMIT")
    async with busy(writer):
        written = [writer.write(lambda db, n=n: note(f"n{n}", db)) for n in range(3)]
    results = await asyncio.gather(*written, return_exceptions=True)
    assert [type(result) for result in results] == [JournalUnavailable] * 3
    assert "disk I/O error" in str(results[0])
    await break_at(writer)
    assert await writer.read(notes) == set()
    assert await writer.write(lambda db: note("after", db)) == 1
    assert writer.statistics().failures == 1


@pytest.mark.parametrize("statement", ["BEGIN IMMEDIATE", "SAVEPOINT operation"])
async def test_a_transaction_that_cannot_begin_fails_its_batch(
    writer: Writer, statement: str
) -> None:
    """It does not matter where the disk gives up."""
    await break_at(writer, statement)
    async with busy(writer):
        lost = [writer.write(lambda db, n=n: note(f"lost {n}", db)) for n in range(2)]
    results = await asyncio.gather(*lost, return_exceptions=True)
    assert [type(result) for result in results] == [JournalUnavailable] * 2
    await break_at(writer)
    assert await writer.read(notes) == set()


async def test_a_rollback_that_fails_is_made_up_for(writer: Writer) -> None:
    """A transaction that could not be undone neither blocks nor leaks into the next ones."""
    await break_at(writer, "COMMIT", "ROLLBACK")
    with pytest.raises(JournalUnavailable):
        await writer.write(lambda db: note("lost", db))
    await break_at(writer)
    assert await writer.read(notes) == set()
    assert await writer.write(lambda db: note("after", db)) == 1
    assert await writer.read(notes) == {"after"}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_nobody_waits_for_a_writer_that_broke(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug in the thread itself fails its batch, what is queued and what comes later."""
    monkeypatch.setattr(writer, "_sync", lambda: 1 // 0)
    async with busy(writer):
        batch = [writer.write(lambda db, n=n: note(f"n{n}", db)) for n in range(600)]
    results = await asyncio.gather(*batch, return_exceptions=True)
    assert {type(result) for result in results} == {JournalUnavailable}
    await writer.close()
    with pytest.raises(JournalUnavailable):
        writer.write(lambda db: note("later", db))
    # Its traceback is reported by the thread as it ends: before the next test begins.
    for thread in threading.enumerate():
        if thread.name == "journal":
            await asyncio.to_thread(thread.join)


async def test_closing_with_a_broken_disk_ends(tmp_path: Path) -> None:
    """A disk that fails while the journal is closed fails the waiting writes, and no more."""
    async with open_writer(tmp_path / "journal.db", faulty) as writer:
        await break_at(writer, "BEGIN IMMEDIATE")
        async with busy(writer):
            written = writer.write(lambda db: note("lost", db))
            closing = asyncio.create_task(writer.close(), name="closing")
            await asyncio.sleep(0)
    with pytest.raises(JournalUnavailable):
        await written
    await closing


async def test_a_full_disk_fails_what_does_not_fit_and_heals(tmp_path: Path) -> None:
    """Only the message that does not fit is refused; its neighbours in the batch land."""
    engine = SqliteEngine(tmp_path / "journal.db")
    async with engine.open() as journal:
        await journal.accept(said(number=1), lane=LANE)
        writer = journal._writer
        pages = await writer.read(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
        await writer.read(lambda db: db.execute(f"PRAGMA max_page_count = {pages}").fetchall())
        async with busy(writer):
            batch = [
                journal.accept(said(text, number=number), lane=LANE)
                for number, text in ((2, "small"), (3, "x" * 100_000), (4, "small"))
            ]
        results = await asyncio.gather(*batch, return_exceptions=True)
        assert (results[0], results[2]) == (Acceptance.NEW, Acceptance.NEW)
        assert isinstance(results[1], JournalUnavailable)
        assert "disk is full (free space on its disk)" in str(results[1])
        assert (await journal.tally()).accepted == 3
        await writer.read(lambda db: db.execute("PRAGMA max_page_count = 100000").fetchall())
        await journal.accept(said("x" * 100_000, number=3), lane=LANE)
        assert (await journal.tally()).balanced


def full(db: sqlite3.Connection) -> None:
    """Run into a full disk as SQLite does when it has to undo everything."""
    db.execute("ROLLBACK")
    raise sqlite3.OperationalError("database or disk is full")


@pytest.mark.parametrize("alone", [True, False])
async def test_a_full_disk_that_undoes_everything_fails_everybody(
    writer: Writer, *, alone: bool
) -> None:
    """Nobody is told that what is gone is there, and everybody why."""
    async with busy(writer):
        others = [] if alone else [writer.write(partial(note, "before"))]
        refused = writer.write(full)
        others += [] if alone else [writer.write(partial(note, "after"))]
    for one in (refused, *others):
        with pytest.raises(JournalUnavailable, match="disk is full"):
            await one
    assert await writer.read(notes) == set()
    assert await writer.write(partial(note, "healed")) == 1


async def test_a_disk_that_refuses_bytes_fails_the_commit_and_heals(tmp_path: Path) -> None:
    """The kernel's own refusal, in the middle of the commit: nothing is there, then all works."""
    engine = SqliteEngine(tmp_path / "journal.db")
    async with engine.open() as journal:
        await journal.accept(said(number=1), lane=LANE)
        with no_room_after(tmp_path / "journal.db-wal"):
            with pytest.raises(JournalUnavailable):
                await journal.accept(said(number=2), lane=LANE)
            with pytest.raises(JournalUnavailable):
                await journal.writable()
            assert (await journal.tally()).accepted == 1
        await journal.accept(said(number=2), lane=LANE)
        await journal.writable()
    async with engine.open() as journal:
        tally = await journal.tally()
        assert (tally.accepted, tally.open) == (2, 2)


async def test_a_cancelled_accept_still_lands(journal: Journal) -> None:
    """The webhook gave up waiting; the message is answered all the same."""
    async with busy(journal._writer):
        journal.accept(said(), lane=LANE).cancel()
    tally = await journal.tally()
    assert (tally.accepted, tally.open) == (1, 1)


async def test_a_cancelled_caller_leaves_no_half_change(journal: Journal) -> None:
    """A worker that is cancelled while it settles has settled."""
    await journal.accept(said(), lane=LANE)
    entry = await journal.head(LANE)
    assert entry is not None
    async with busy(journal._writer):
        settling = asyncio.create_task(journal.settle(entry, outcome=Outcome.TOLD), name="turn")
        await asyncio.sleep(0)
        settling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await settling
    tally = await journal.tally()
    assert (tally.told, tally.open) == (1, 0)


async def test_closing_drains(tmp_path: Path) -> None:
    """What was submitted before the end is on disk; what comes after is refused."""
    engine = SqliteEngine(tmp_path / "journal.db")
    async with engine.open() as journal:
        async with busy(journal._writer):
            accepted = [journal.accept(said(number=n), lane=LANE) for n in range(20)]
            closing = asyncio.create_task(journal._writer.close(), name="closing")
            await asyncio.sleep(0)
            with pytest.raises(JournalUnavailable, match="closed"):
                await journal.accept(said(number=99), lane=LANE)
        await asyncio.gather(*accepted, closing)
    async with engine.open() as journal:
        assert (await journal.tally()).accepted == 20


async def test_a_closed_journal_says_so(tmp_path: Path) -> None:
    """After the end every method raises, reads too; closing twice is fine."""
    async with SqliteEngine(tmp_path / "journal.db").open() as journal:
        pass
    for call in (journal.tally, journal.writable, partial(journal.head, LANE)):
        with pytest.raises(JournalUnavailable, match="closed"):
            await call()
    await journal._writer.close()
