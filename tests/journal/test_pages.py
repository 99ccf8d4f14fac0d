"""Rows are read from pages without SQLite exactly as SQLite reads them."""

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.journal.pages import PAGE_BYTES, Image, mapped, rows
from bot.journal.wal import committed_frames, newest_pages
from tests.journal.damage import Files, opened, page

_INTEGERS = st.integers(-(2**63), 2**63 - 1)
_TEXTS = st.text(st.characters(exclude_characters="\0", codec="utf-8"))
#: Around the lengths at which a row goes on in further pages.
_LENGTHS = st.sampled_from([0, 1, 120, 450, 480, 4030, 4055, 4060, 4061, 4065, 8140, 8160, 20000])
_VALUES = st.none() | _INTEGERS | st.floats(allow_nan=False) | _TEXTS | _LENGTHS.map("x".__mul__)


@settings(max_examples=60)
@given(st.lists(st.tuples(_VALUES, _VALUES, _VALUES), max_size=30), _INTEGERS)
def test_every_value_is_read(values: list[tuple[object, ...]], first: int) -> None:
    """Of all types and lengths, with small and large numbers."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "any.db"
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("CREATE TABLE t (a, b, c)")
            for number, row in enumerate(values, start=1 + first % 2**50):
                db.execute("INSERT INTO t (rowid, a, b, c) VALUES (?, ?, ?, ?)", (number, *row))
            db.commit()
            expected = db.execute("SELECT rowid, a, b, c FROM t ORDER BY rowid").fetchall()
        with mapped(path) as file:
            found = sorted(((r.number, *r.values) for r in rows(Image(file, b"", {}))), key=_number)
    assert found == expected


def _number(row: tuple[object, ...]) -> int:
    assert isinstance(row[0], int)
    return row[0]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Give the files of a server that was killed."""
    return Files.after_a_crash(tmp_path_factory.mktemp("killed"))


def test_the_log_hides_the_file(killed: Files, tmp_path: Path) -> None:
    """Of each page the newest committed version counts, as in SQLite's own copying."""
    path = tmp_path / "journal.db"
    killed.put(path)
    newest = newest_pages(killed.log)
    with closing(sqlite3.connect(path)) as db:
        _, seen, _ = db.execute("PRAGMA wal_checkpoint").fetchone()
        assert committed_frames(killed.log) == seen
        copied = path.read_bytes()
        image = Image(killed.file, killed.log, newest)
        assert image.last * PAGE_BYTES == len(copied)
        for number in range(1, image.last + 1):
            assert image.page(number) == copied[page(number) :][:PAGE_BYTES]


def test_what_was_not_committed_is_not_read(tmp_path: Path) -> None:
    """Frames of a transaction that a crash broke off are no part of the journal."""
    path = tmp_path / "journal.db"
    with opened(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("PRAGMA cache_size = 1")
        db.execute("PRAGMA cache_spill = 1")
        db.execute("BEGIN")
        insert = (
            "INSERT INTO history (platform, bot, room, author_id, author_name, question, answer,"
            " position, settled_at) VALUES ('campfire', 'ada', '1', '7', 'Kim', ?, 'x', 1, 1)"
        )
        for _ in range(500):
            db.execute(insert, ("x" * 3000,))
        log = Path(f"{path}-wal").read_bytes()
        db.execute("ROLLBACK")
    assert len(log) > 100 * PAGE_BYTES
    assert newest_pages(log) == {}
    assert committed_frames(log) == 0


def test_pages_in_a_circle_end(killed: Files) -> None:
    """A row that goes on in pages which lead back to each other is given up."""
    image = Image(killed.file, killed.log, newest_pages(killed.log))
    before = sum(1 for _ in rows(image))

    class Circle(Image):
        """Pages of which each leads to itself, as far as a row goes on in it."""

        def page(self, number: int) -> bytes:
            content = super().page(number)
            return content if content[0] else number.to_bytes(4) + content[4:]

    circle = Circle(killed.file, killed.log, newest_pages(killed.log))
    assert 0 < sum(1 for _ in rows(circle)) < before
