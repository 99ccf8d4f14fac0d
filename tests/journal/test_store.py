import asyncio
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from structlog.testing import capture_logs

from bot.errors import JournalUnavailable
from bot.journal import store
from bot.journal.schema import MIGRATIONS
from bot.journal.writer import open_writer
from bot.records import Outcome
from tests.journal.engines import LANE, Clock, SqliteEngine, said

_HOLD = """
import sys
from pathlib import Path
from bot.journal.lock import hold
with hold(Path(sys.argv[1]), journal=Path("journal.db")):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a journal that is not there yet."""
    return tmp_path / "journal.db"


async def test_a_second_server_is_turned_away(path: Path) -> None:
    """The lock of another process is named with its holder and the cure; it ends with it."""
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _HOLD, f"{path}.lock", stdin=-1, stdout=-1
    )
    assert other.stdin is not None
    assert other.stdout is not None
    assert await other.stdout.readline() == b"held\n"
    with pytest.raises(JournalUnavailable) as caught:
        await SqliteEngine(path).open().__aenter__()
    assert f"process {other.pid}" in str(caught.value)
    assert "HEARTH_SESSION_CACHE" in str(caught.value)
    other.kill()
    await other.communicate()
    async with SqliteEngine(path).open() as journal:
        await journal.writable()


async def test_a_second_journal_in_this_process_is_turned_away(path: Path) -> None:
    """Two in one process would undo each other just the same."""
    async with SqliteEngine(path).open():
        with pytest.raises(JournalUnavailable, match="another server"):
            await SqliteEngine(path).open().__aenter__()


async def test_a_newer_schema_is_refused(path: Path) -> None:
    """An old server does not touch what a newer one wrote, and lets go of the file."""
    async with SqliteEngine(path).open():
        pass
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(JournalUnavailable, match="99 is newer than this server's 2"):
        await SqliteEngine(path).open().__aenter__()
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    async with SqliteEngine(path).open() as journal:
        await journal.writable()


async def test_a_migration_that_fails_leaves_no_trace(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of a step is never kept: the file is as it was, and opens again."""
    async with SqliteEngine(path).open() as journal:
        await journal.accept(said(), lane=LANE)
    wrong = ("CREATE TABLE extra (x INTEGER) STRICT", "CREATE TABLE inbox (x INTEGER) STRICT")
    with monkeypatch.context() as patch:
        patch.setattr("bot.journal.schema.MIGRATIONS", (*MIGRATIONS, wrong))
        with pytest.raises(JournalUnavailable, match="already exists"):
            await SqliteEngine(path).open().__aenter__()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert db.execute("SELECT * FROM sqlite_schema WHERE name = 'extra'").fetchall() == []


def careless(path: Path) -> sqlite3.Connection:
    """Open the file as a library would that was built with other defaults."""
    db = store.connect(path)
    for pragma in ("synchronous", "fullfsync", "secure_delete", "foreign_keys"):
        db.execute(f"PRAGMA {pragma} = OFF")
    db.execute("PRAGMA checkpoint_fullfsync = OFF")
    db.execute("PRAGMA trusted_schema = ON")
    return db


async def test_the_connection_syncs_and_erases(path: Path) -> None:
    """Each setting that durability and erasure rest on is in force, whatever SQLite's own are."""
    async with open_writer(path, careless) as writer:
        for pragma, value in (
            ("journal_mode", "wal"),
            ("synchronous", 2),
            ("fullfsync", 1),
            ("checkpoint_fullfsync", 1),
            ("secure_delete", 1),
            ("foreign_keys", 1),
            ("trusted_schema", 0),
        ):
            found = await writer.read(
                lambda db, pragma=pragma: db.execute(f"PRAGMA {pragma}").fetchone()[0]
            )
            assert (pragma, found) == (pragma, value)


async def test_only_the_owner_may_read_the_files(path: Path) -> None:
    """Rooms are private: no file of the journal is open to others, whatever the umask."""
    before = os.umask(0)
    try:
        async with SqliteEngine(path).open() as journal:
            await journal.accept(said(), lane=LANE)
            modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert set(modes) == {f"journal.db{end}" for end in ("", "-wal", "-shm", ".lock")}
    assert set(modes.values()) == {0o600}


async def test_what_is_erased_leaves_no_bytes(path: Path, clock: Clock) -> None:
    """Neither the file nor its log holds a text after retention took it, while it is open."""
    async with SqliteEngine(path).open(now=clock) as journal:
        await journal.accept(said("the heron flies at noon"), lane=LANE)
        head = await journal.head(LANE)
        assert head is not None
        await journal.settle(head, outcome=Outcome.SKIPPED)
        assert b"heron" in _bytes(path)
        clock.pass_(1)
        await journal.expire(settled_before=clock(), history_before=clock())
        assert b"heron" not in _bytes(path)


async def test_the_file_has_no_place_for_a_key(path: Path) -> None:
    """No column takes the room's path, which holds the bot's key on Campfire."""
    async with SqliteEngine(path).open() as journal:
        rows = await journal._writer.read(
            lambda db: db.execute(
                "SELECT lower(c.name) FROM sqlite_schema AS t, pragma_table_info(t.name) AS c"
                " WHERE t.type = 'table'"
            ).fetchall()
        )
    columns = {row[0] for row in rows}
    assert "message_id" in columns
    assert not {name for name in columns if "path" in name or "key" in name or "url" in name}


async def test_what_is_no_journal_is_moved_aside(path: Path) -> None:
    """A file of another kind is kept under another name, as it is, and both names are said."""
    await anyio.Path(path).write_bytes(b"my shopping list " * 100)
    with capture_logs() as logs:
        async with SqliteEngine(path).open() as journal:
            await journal.writable()
    (kept,) = path.parent.glob("journal.db.corrupt-*")
    assert kept.read_bytes() == b"my shopping list " * 100
    assert (logs[0]["log_level"], logs[0]["file"]) == ("error", str(path))
    assert logs[0]["kept_as"] == str(kept)


async def test_a_missing_folder_is_named(path: Path) -> None:
    """The error of the file system comes in our words."""
    with pytest.raises(JournalUnavailable, match="No such file or directory"):
        await SqliteEngine(path / "journal.db").open().__aenter__()


async def test_an_old_sqlite_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library without STRICT tables is named, instead of a syntax error."""
    monkeypatch.setattr(store, "_OLDEST", (99, 0))
    with pytest.raises(JournalUnavailable, match="is too old"):
        await SqliteEngine(path).open().__aenter__()


def _bytes(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(path.parent.glob("journal.db*")))
