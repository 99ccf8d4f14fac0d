"""The one thread that uses the connection: it groups what waits into one commit.

An operation is a function of the connection. What is queued when the thread gets round to
it shares a transaction and its sync; each operation keeps a savepoint of its own, so that
it fails alone. A failed commit fails them all, and nothing of them is visible.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from queue import Empty
from threading import Thread
from time import perf_counter
from typing import Any, TypeVar

from bot.errors import BotError, JournalUnavailable
from bot.journal.intake import Intake
from bot.journal.operation import Effect, Operation, Pending
from bot.journal.soundness import Damage
from bot.journal.store import Connect, connect, explain, open_store, translate
from bot.journal.views import JournalStatistics

T = TypeVar("T")

#: How long nobody may want anything before the thread tidies up.
PAUSE_S = 1.0

_BROKEN = "its writer broke down, which is a bug: restart the server"


class WriterBroken(Exception):
    """The thread has ended by a bug, whose traceback it has printed."""


class Writer:
    """Runs operations one after the other; submit from the loop that made it."""

    def __init__(self, path: Path, db: sqlite3.Connection, lease: ExitStack) -> None:
        self.path = path
        self._db = db
        self._lease = lease
        self._damage = Damage(path)
        self._loop = asyncio.get_running_loop()
        self._intake = Intake()
        #: What is submitted in the block shares a commit.
        self.together = self._intake.together
        self._closed = False
        self._stopping = False
        self._ended = asyncio.Event()
        self._commits = self._failures = self._operations = self._largest = 0
        #: Commits whose pages are in the file itself.
        self._copied = 0
        self._last_commit_s = 0.0
        # A daemon: what it has not committed nobody was promised, so it may die with the process.
        Thread(target=self._run, name="journal", daemon=True).start()

    def write(self, operation: Operation[T]) -> asyncio.Future[T]:
        """Promise what *operation* returns, once its commit is synced.

        It lands even when the caller is cancelled while waiting.
        """
        return self._submit(operation, Effect.WRITE)

    def write_at_once(self, operation: Operation[T]) -> asyncio.Future[T]:
        """Like `write`, for what changes something in its first statement only.

        What it reads afterwards may fail without undoing that.
        """
        return self._submit(operation, Effect.STATEMENT)

    def read(self, operation: Operation[T]) -> asyncio.Future[T]:
        """Promise what *operation* returns; it must not change anything."""
        return self._submit(operation, Effect.READ)

    def erase(self, operation: Operation[T]) -> asyncio.Future[T]:
        """Like `write`, and no byte of what was deleted stays in the write-ahead log."""
        return self._submit(operation, Effect.ERASE)

    async def close(self) -> None:
        """Let everything that was submitted land, then give the file back."""
        if not self._closed:
            self._closed = True
            self._intake.end()
        await self._ended.wait()

    async def serve(self) -> None:
        """Return when the file was given back; raises WriterBroken should the thread end before."""
        await self._ended.wait()
        if not self._stopping:
            raise WriterBroken(_BROKEN)

    def statistics(self) -> JournalStatistics:
        """Read the counters of the thread."""
        return JournalStatistics(
            commits=self._commits,
            failures=self._failures,
            operations=self._operations,
            largest_batch=self._largest,
            last_commit_s=self._last_commit_s,
        )

    def _submit(self, operation: Operation[T], effect: Effect) -> asyncio.Future[T]:
        if self._closed:
            raise JournalUnavailable(self.path, "it is closed")
        one = Pending(operation, effect, self._loop.create_future())
        self._intake.put(one)
        return one.future

    # ---- in the thread ----

    def _run(self) -> None:
        try:
            with self._lease:
                while not self._stopping:
                    self._land(self._collect())
        finally:
            self._loop.call_soon_threadsafe(self._end)

    def _collect(self) -> list[Pending[Any]]:
        """Wait for operations; use a pause to copy the log into the file."""
        taken = self._next()
        self._stopping = self._intake.ended
        return taken

    def _next(self) -> list[Pending[Any]]:
        if self._commits == self._copied:
            return self._intake.take()
        try:
            return self._intake.take(timeout_s=PAUSE_S)
        except Empty:
            self._copied = self._commits
            with suppress(sqlite3.Error):  # it is only put off
                self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            return self._intake.take()

    def _land(self, batch: list[Pending[Any]]) -> None:
        """Run *batch* and wake all its callers at once, whatever happens to this thread."""
        failure: str | None = _BROKEN
        try:
            self._undo()
            reads = all(one.effect is Effect.READ for one in batch)
            failure = self._look(batch) if reads else self._damage.why or self._commit(batch)
            self._operations += len(batch)
            self._largest = max(self._largest, len(batch))
        finally:
            self._loop.call_soon_threadsafe(self._deliver, batch, failure)

    def _look(self, batch: list[Pending[Any]]) -> str | None:
        """Answer reads without a transaction: nobody else writes in between."""
        for one in batch:
            self._try(one)
        return None

    def _commit(self, batch: list[Pending[Any]]) -> str | None:
        """Return why the whole batch failed, or None when it is on disk."""
        try:
            changes = [one.effect for one in batch if one.effect is not Effect.READ]
            if changes == [Effect.STATEMENT]:
                self._state(batch)
                return None
            self._db.execute("BEGIN IMMEDIATE")
            alone = len(changes) == 1
            for one in batch:
                self._perform(one, alone=alone)
            if self._db.in_transaction:
                self._sync()
        except sqlite3.Error as error:
            self._failures += 1
            self._damage.note(error)
            self._undo()
            return explain(error)
        if any(one.effect is Effect.ERASE for one in batch):
            self._shred()
        return None

    def _state(self, batch: list[Pending[Any]]) -> None:
        """Run *batch*, in which one statement alone changes something: that is a transaction.

        Each call into SQLite gives the interpreter away, which a busy loop is slow to give back:
        with a beginning and an end of its own, it would be waited for three times as often.
        """
        for one in batch:
            started = perf_counter()
            self._try(one)
            if one.effect is Effect.READ:
                continue
            if isinstance(one.error, sqlite3.Error):
                self._failures += 1
            else:
                self._last_commit_s = perf_counter() - started
                self._commits += 1

    def _perform(self, one: Pending[Any], *, alone: bool) -> None:
        """Run *one*, so that nothing is left of it when it fails.

        What changes something *alone* needs no savepoint, nor does a single statement, which leaves
        nothing by itself: each call into SQLite gives the interpreter away, which a busy loop is
        slow to give back.
        """
        if alone or one.effect in {Effect.READ, Effect.STATEMENT}:
            self._try_within(one)
            if one.error is not None and one.effect in {Effect.WRITE, Effect.ERASE}:
                self._db.execute("ROLLBACK")
            return
        self._db.execute("SAVEPOINT operation")
        self._try_within(one)
        if one.error is not None:
            self._db.execute("ROLLBACK TO operation")
        self._db.execute("RELEASE operation")

    def _try_within(self, one: Pending[Any]) -> None:
        """Raise the error of *one* if that has ended the transaction, and with it the others.

        A full disk makes SQLite undo it all.
        """
        within = self._db.in_transaction
        self._try(one)
        if one.error is not None and within and not self._db.in_transaction:
            raise one.error

    def _try(self, one: Pending[Any]) -> None:
        try:
            one.result = one.operation(self._db)
        except Exception as error:  # noqa: BLE001  (a bug is its caller's, not everybody's)
            one.error = error
            self._damage.note(error)

    def _undo(self) -> None:
        # Called again before the next batch, should even this fail.
        if self._db.in_transaction:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")

    def _sync(self) -> None:
        started = perf_counter()
        self._db.execute("COMMIT")
        self._last_commit_s = perf_counter() - started
        self._commits += 1

    def _shred(self) -> None:
        """Empty the write-ahead log, which still holds pages from before the deletion."""
        # Committed already: if the disk refuses now, the next checkpoint overwrites them.
        with suppress(sqlite3.Error):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    # ---- back in the loop ----

    def _deliver(self, batch: list[Pending[Any]], failure: str | None) -> None:
        for one in batch:
            error = self._error(one, failure)
            if one.future.cancelled():
                self._report(error)
            elif error is not None:
                one.future.set_exception(error)
            else:
                one.future.set_result(one.result)

    def _error(self, one: Pending[Any], failure: str | None) -> Exception | None:
        if failure is not None:
            return JournalUnavailable(self.path, failure)
        if isinstance(one.error, sqlite3.Error):
            return translate(self.path, one.error)
        return one.error

    def _report(self, error: Exception | None) -> None:
        """Make a bug heard whose caller has gone."""
        if error is not None and not isinstance(error, BotError):
            message = "a journal operation failed after its caller was cancelled"
            self._loop.call_exception_handler({"message": message, "exception": error})

    def _end(self) -> None:
        """Refuse what comes now, and what a broken thread has left."""
        self._closed = True
        if not self._stopping:
            self._deliver(self._intake.left(), _BROKEN)
        self._ended.set()


@asynccontextmanager
async def open_writer(path: Path, connect: Connect = connect) -> AsyncIterator[Writer]:
    """Open the file at *path* and serve it until the block ends."""
    db, lease = await asyncio.to_thread(open_store, path, connect)
    writer = Writer(path, db, lease)
    try:
        yield writer
    finally:
        await writer.close()
