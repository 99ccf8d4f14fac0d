"""The journal's disk, which a test can break and slow down."""

import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from bot.journal import Journal
from bot.journal.store import connect
from bot.journal.writer import open_writer

#: So long a commit is held at most, should a test forget it.
_LONGEST_S = 20


class Disk:
    """What the journal's commits go to."""

    def __init__(self) -> None:
        self.broken = False
        #: What SQLite says of a broken disk.
        self.words = "disk I/O error"
        #: The statements of each commit that was taken.
        self.commits: list[list[str]] = []
        self._free = threading.Event()
        self._free.set()

    @contextmanager
    def breaking(self, words: str = "disk I/O error") -> Iterator[None]:
        """Fail every commit of the block."""
        self.broken, self.words = True, words
        try:
            yield
        finally:
            self.broken = False

    @contextmanager
    def stuck(self) -> Iterator[None]:
        """Let no commit end within the block."""
        self._free.clear()
        try:
            yield
        finally:
            self._free.set()

    def sync(self) -> None:
        """Take a commit, in the journal's thread."""
        self._free.wait(_LONGEST_S)
        if self.broken:
            raise sqlite3.OperationalError(self.words)

    def connect(self, path: Path) -> sqlite3.Connection:
        """Open the file as the store does, on this disk."""
        connect(path).close()
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, factory=_Connection
        )
        connection.disk = self
        return connection

    @asynccontextmanager
    async def open_journal(self, path: Path, *, node: str) -> AsyncIterator[Journal]:
        """Open the journal as `bot.journal.open_journal` does, on this disk."""
        async with open_writer(path, self.connect) as writer:
            journal = Journal(writer, node=node, now=time.time)
            try:
                yield journal
            finally:
                journal.hand_over()


class _Connection(sqlite3.Connection):
    disk: Disk
    #: The statements since the transaction began.
    since: list[str]

    def execute(self, sql: str, *arguments: object) -> sqlite3.Cursor:
        # Outside of a transaction, a statement that changes something is one.
        alone = sql.lstrip().startswith("INSERT") and not self.in_transaction
        if alone or not self.in_transaction:
            self.since = []
        self.since.append(sql)
        if alone or sql == "COMMIT":
            self.disk.sync()
            self.disk.commits.append(self.since)
        return super().execute(sql, *arguments)
