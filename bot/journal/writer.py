"""The one thread that uses the connection: it groups what waits into one commit.

An operation is a function of the connection. What is queued when the thread gets round to
it shares a transaction and its sync; each operation keeps a savepoint of its own, so that
it fails alone. A failed commit fails them all, and nothing of them is visible.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from time import perf_counter
from typing import Any, Generic, TypeVar

from bot.errors import BotError, JournalUnavailable
from bot.journal.store import Connect, connect, explain, open_store, translate
from bot.journal.views import JournalStatistics

T = TypeVar("T")
A = TypeVar("A")
Operation = Callable[[sqlite3.Connection], T]
#: An operation on many arguments at once; returns a result for each, in their order.
Joint = Callable[[sqlite3.Connection, list[A]], list[T]]

#: Most operations in a commit: bounds how long the first of them waits for the last.
BATCH = 512
#: How long nobody may want anything before the thread tidies up.
PAUSE_S = 0.2

_BROKEN = "its writer broke down, which is a bug: restart the server"


class Effect(Enum):
    """What an operation asks of the file."""

    #: Changes nothing; needs no commit.
    READ = auto()
    WRITE = auto()
    #: Deletes what must not be readable afterwards, in the write-ahead log neither.
    ERASE = auto()


@dataclass(slots=True, eq=False)
class _Job(Generic[T]):
    """An operation on its way through the thread."""

    operation: Operation[T]
    effect: Effect
    future: asyncio.Future[T]
    #: When it is one of many: the operation that takes them all, and its own argument.
    joint: Joint[Any, T] | None = None
    argument: object = None
    result: T | None = None
    error: Exception | None = None


class Writer:
    """Runs operations one after the other; submit from the loop that made it."""

    def __init__(self, path: Path, db: sqlite3.Connection, lease: ExitStack) -> None:
        self._path = path
        self._db = db
        self._lease = lease
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[_Job[Any] | None] = SimpleQueue()
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

    def write_together(self, joint: Joint[A, T], argument: A) -> asyncio.Future[T]:
        """Like `write`, for an operation that does many at the price of one.

        What is queued for the same *joint* operation is given to it as a list; when that fails,
        each argument is tried alone.
        """
        future = self._loop.create_future()
        alone = partial(_alone, joint, argument)
        return self._enqueue(_Job(alone, Effect.WRITE, future, joint, argument))

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
            self._queue.put(None)
        await self._ended.wait()

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
        return self._enqueue(_Job(operation, effect, self._loop.create_future()))

    def _enqueue(self, job: _Job[T]) -> asyncio.Future[T]:
        if self._closed:
            raise JournalUnavailable(self._path, "it is closed")
        self._queue.put(job)
        return job.future

    # ---- in the thread ----

    def _run(self) -> None:
        try:
            with self._lease:
                while not self._stopping:
                    self._land(self._collect())
        finally:
            self._loop.call_soon_threadsafe(self._end)

    def _collect(self) -> list[_Job[Any]]:
        """Wait for one operation, then take what is queued already: no artificial delay."""
        taken = [self._next()]
        with suppress(Empty):
            while len(taken) < BATCH:
                taken.append(self._queue.get_nowait())
        self._stopping = taken[-1] is None
        return [job for job in taken if job is not None]

    def _next(self) -> _Job[Any] | None:
        """Wait for an operation; use a pause to copy the log into the file."""
        if self._commits == self._copied:
            return self._queue.get()
        try:
            return self._queue.get(timeout=PAUSE_S)
        except Empty:
            self._copied = self._commits
            with suppress(sqlite3.Error):  # it is only put off
                self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            return self._queue.get()

    def _land(self, batch: list[_Job[Any]]) -> None:
        """Run *batch* and wake all its callers at once, whatever happens to this thread."""
        failure: str | None = _BROKEN
        try:
            self._undo()
            reads = all(job.effect is Effect.READ for job in batch)
            failure = self._look(batch) if reads else self._commit(batch)
            self._operations += len(batch)
            self._largest = max(self._largest, len(batch))
        finally:
            self._loop.call_soon_threadsafe(self._deliver, batch, failure)

    def _look(self, batch: list[_Job[Any]]) -> str | None:
        """Answer reads without a transaction: nobody else writes in between."""
        for job in batch:
            self._try(job)
        return None

    def _commit(self, batch: list[_Job[Any]]) -> str | None:
        """Return why the whole batch failed, or None when it is on disk."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for job in self._perform_together(batch):
                self._perform(job)
            self._sync()
        except sqlite3.Error as error:
            self._failures += 1
            self._undo()
            return explain(error)
        if any(job.effect is Effect.ERASE for job in batch):
            self._shred()
        return None

    def _perform_together(self, batch: list[_Job[Any]]) -> list[_Job[Any]]:
        """Run the joint operations, and return the jobs that are still to be run alone."""
        alone: list[_Job[Any]] = []
        joint: dict[Joint[Any, Any], list[_Job[Any]]] = {}
        for job in batch:
            (alone if job.joint is None else joint.setdefault(job.joint, [])).append(job)
        for operation, jobs in joint.items():
            if not self._join(operation, jobs):
                alone += jobs
        return alone

    def _join(self, operation: Joint[Any, Any], jobs: list[_Job[Any]]) -> bool:
        """Run *jobs* as one; False when that failed, and nothing of it is left."""
        arguments = [job.argument for job in jobs]
        together = _Job(lambda db: operation(db, arguments), Effect.WRITE, jobs[0].future)
        self._perform(together)
        if together.error is not None or together.result is None:
            return False
        for job, result in zip(jobs, together.result, strict=True):
            job.result = result
        return True

    def _perform(self, job: _Job[Any]) -> None:
        self._db.execute("SAVEPOINT operation")
        self._try(job)
        if job.error is not None:
            if not self._db.in_transaction:
                # a full disk makes SQLite undo the whole batch, not only this operation
                raise job.error
            self._db.execute("ROLLBACK TO operation")
        self._db.execute("RELEASE operation")

    def _try(self, job: _Job[Any]) -> None:
        try:
            job.result = job.operation(self._db)
        except Exception as error:  # noqa: BLE001  (a bug is its caller's, not everybody's)
            job.error = error

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

    def _deliver(self, batch: list[_Job[Any]], failure: str | None) -> None:
        for job in batch:
            error = self._error(job, failure)
            if job.future.cancelled():
                self._report(error)
            elif error is not None:
                job.future.set_exception(error)
            else:
                job.future.set_result(job.result)

    def _error(self, job: _Job[Any], failure: str | None) -> Exception | None:
        if failure is not None:
            return JournalUnavailable(self._path, failure)
        if isinstance(job.error, sqlite3.Error):
            return translate(self._path, job.error)
        return job.error

    def _report(self, error: Exception | None) -> None:
        """Make a bug heard whose caller has gone."""
        if error is not None and not isinstance(error, BotError):
            message = "a journal operation failed after its caller was cancelled"
            self._loop.call_exception_handler({"message": message, "exception": error})

    def _end(self) -> None:
        """Refuse what comes now, and what a broken thread has left."""
        self._closed = True
        if not self._stopping:
            self._deliver(self._left(), _BROKEN)
        self._ended.set()

    def _left(self) -> list[_Job[Any]]:
        jobs = []
        with suppress(Empty):
            while job := self._queue.get_nowait():
                jobs.append(job)
        return jobs


def _alone(joint: Joint[A, T], argument: A, db: sqlite3.Connection) -> T:
    (result,) = joint(db, [argument])
    return result


@asynccontextmanager
async def open_writer(path: Path, connect: Connect = connect) -> AsyncIterator[Writer]:
    """Open the file at *path* and serve it until the block ends."""
    db, lease = await asyncio.to_thread(open_store, path, connect)
    writer = Writer(path, db, lease)
    try:
        yield writer
    finally:
        await writer.close()
