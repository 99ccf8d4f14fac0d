"""Whether a journal is damaged is found out at the start, and while it is in use."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.errors import JournalUnavailable
from bot.journal import Journal, soundness, store
from bot.records import Acceptance
from tests.journal.damage import Files, fill, opened, page, read_tables, spoil
from tests.journal.engines import LANE, SqliteEngine, said


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name the journal."""
    return tmp_path / "journal.db"


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Give the files of a server that was stopped."""
    return Files.at_rest(tmp_path_factory.mktemp("stopped"))


def kept(path: Path) -> int:
    """Count the damaged journals that lie beside."""
    return len(list(path.parent.glob("*.corrupt-*Z")))


def rot(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change the content of the file in a way that does not show: the medium's fault."""
    before = path.stat()
    path.write_bytes(change(path.read_bytes()))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


class Looks:
    """Counts how often every page was looked at, and how closely."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.checks: list[str] = []
        self._look = soundness._page_damage
        patch.setattr(soundness, "_page_damage", self)

    def __call__(self, db: sqlite3.Connection, check: str) -> str | None:
        """Look, and remember it."""
        self.checks.append(check)
        return self._look(db, check)


def test_a_normal_start_does_not_look_at_every_page(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note of an orderly end spares it; after a crash or a change all is looked at."""
    looks = Looks(monkeypatch)
    with opened(path) as db:
        fill(db, range(1, 5))
    with opened(path):
        assert looks.checks == []
        crashed = Files(path.read_bytes())
    path.with_name("journal.db.left").unlink()
    with opened(path):
        assert looks.checks == ["quick_check"]
    os.utime(path)
    crashed.put(path)
    with opened(path) as db:
        assert looks.checks == ["quick_check", "integrity_check"]
        assert len(read_tables(db)["inbox"]) == 4
    assert not kept(path)


def test_a_start_notes_that_the_file_is_in_use(path: Path) -> None:
    """A server that dies leaves no note of an orderly end behind; one that fails neither."""
    with opened(path):
        assert not path.with_name("journal.db.left").exists()
    assert path.with_name("journal.db.left").exists()
    with pytest.raises(ZeroDivisionError), opened(path):
        _ = 1 / 0
    assert not path.with_name("journal.db.left").exists()


def test_a_look_changes_nothing(path: Path, tmp_path: Path) -> None:
    """What is looked at after a crash is the evidence, if it turns out to be damaged."""
    killed = Files.after_a_crash(tmp_path)
    path = tmp_path / "other" / "journal.db"
    path.parent.mkdir()
    killed.put(path)
    assert soundness.find_damage(path) is None
    assert path.read_bytes() == killed.file
    assert Path(f"{path}-wal").read_bytes() == killed.log


def test_a_table_that_lacks_an_index_entry_is_found(path: Path, stopped: Files) -> None:
    """After a change of the file, the indices are compared with their tables."""
    stopped.put(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA writable_schema = ON")
        (sql,) = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'inbox_open'").fetchone()
        unlike = sql.replace("'open'", "'dead'")
        db.execute("UPDATE sqlite_schema SET sql = ? WHERE name = 'inbox_open'", (unlike,))
        db.commit()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE inbox SET reason = 'x', position = position + 1 WHERE state = 'dead'")
    with opened(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        (index,) = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'inbox_open'").fetchone()
    assert index == sql
    assert kept(path) == 1


async def test_damage_in_use_stops_the_writing(path: Path) -> None:
    """Nothing more is acknowledged, the operator is told once, and the next start recovers."""
    with opened(path) as db:
        fill(db, range(1, 41))
    rot(path, lambda content: spoil(content, page(2), seed=1))  # the root of all messages
    engine = SqliteEngine(path)
    with capture_logs() as logs:
        async with engine.open() as journal:
            for number in (1001, 1002):
                with pytest.raises(JournalUnavailable, match="restart the server"):
                    await journal.accept(said(number=number), lane=LANE)
            with pytest.raises(JournalUnavailable, match="restart the server"):
                await journal.writable()
        found = [line for line in logs if line["event"] == "journal_found_damaged"]
        assert [(line["log_level"], line["file"]) for line in found] == [("error", str(path))]
        async with engine.open() as journal:
            await _works(journal)
            assert (await journal.tally()).accepted == 41
    assert logs[-1]["event"] == "journal_recovered"
    assert kept(path) == 1


async def _works(journal: Journal) -> None:
    await journal.writable()
    assert await journal.accept(said(number=1001), lane=LANE) is Acceptance.NEW
    assert (await journal.tally()).balanced


async def test_a_text_that_cannot_be_read_is_damage(path: Path) -> None:
    """SQLite does not look into texts: it shows when one is read, and costs that row only."""
    with opened(path) as db:
        fill(db, range(1, 3))
    rot(path, lambda content: content.replace("2: Füße".encode(), b"2: F\xff\xff\xff\xffe"))
    engine = SqliteEngine(path)
    with capture_logs():
        async with engine.open() as journal:
            with pytest.raises(JournalUnavailable, match="decode"):
                await journal.entry(2)
            with pytest.raises(JournalUnavailable):
                await journal.writable()
        async with engine.open() as journal:
            assert await journal.entry(1) is not None
            assert await journal.entry(2) is None
            await _works(journal)


async def test_a_full_disk_is_no_damage(path: Path) -> None:
    """It heals by itself: the next write is tried."""
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    assert not soundness.is_damage(full)
    damage = soundness.Damage(path)
    damage.note(full)
    damage.note(ValueError("a bug"))
    assert damage.why is None
    assert not list(path.parent.iterdir())


def test_a_disk_that_fails_is_not_taken_for_damage(
    path: Path, stopped: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start fails and the file stays: a later one may read it."""
    stopped.put(path)
    failing = sqlite3.OperationalError("disk I/O error")
    failing.sqlite_errorcode = sqlite3.SQLITE_IOERR_READ

    def fail(*_: object) -> None:
        raise failing

    monkeypatch.setattr(soundness, "_page_damage", fail)
    with pytest.raises(JournalUnavailable, match="disk I/O error"):
        store.open_store(path)
    assert path.read_bytes() == stopped.file
    assert not kept(path)
