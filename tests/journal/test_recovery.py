"""A damaged journal is kept, and what can be read of it goes on."""

import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from resource import RLIMIT_FSIZE, getrlimit, setrlimit
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.errors import JournalUnavailable
from bot.journal import counters, inbox, recovery
from bot.journal.pages import PAGE_BYTES
from bot.journal.salvage import LOST_REPLY
from bot.journal.schema import MIGRATIONS
from bot.journal.shapes import TABLES as SAVED
from bot.records import Outcome
from tests.journal.damage import (
    MESSAGES,
    TABLES,
    Files,
    Table,
    fill,
    opened,
    opened_twice,
    page,
    read_tables,
)
from tests.journal.damage import spoil as spoiled

_FRAME_BYTES = PAGE_BYTES + 24


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Give the files of a server that was stopped."""
    return Files.at_rest(tmp_path_factory.mktemp("stopped"))


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Give the files of a server that was killed."""
    return Files.after_a_crash(tmp_path_factory.mktemp("killed"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name the journal."""
    folder = tmp_path / "session_cache"
    folder.mkdir()
    return folder / "journal.db"


def kept(path: Path, end: str = "") -> list[bytes]:
    """Return what lies beside the journal under the name of a damaged one."""
    return [file.read_bytes() for file in path.parent.glob(f"*.corrupt-*Z{end}")]


def balanced(db: sqlite3.Connection) -> bool:
    """Whether the equation holds, and every open message can be read."""
    for (seq,) in db.execute("SELECT seq FROM inbox WHERE state = 'open'").fetchall():
        inbox.entry(db, seq)
    return counters.tally(db).balanced


def differing(found: dict[str, Table], sound: dict[str, Table]) -> list[tuple[object, ...]]:
    """Return the rows that are not as they were, but for messages that had to be given up.

    Places may have been made anew, of the messages there are.
    """
    places = {row[:5] for row in sound["place"].values()}
    return [
        row
        for table in TABLES
        for number, row in found[table].items()
        if sound[table].get(number) != row and LOST_REPLY not in row and row[:5] not in places
    ]


Spoil = Callable[[Files], Files]
#: What happens to the file or its log, and whether it costs rows.
SPOILERS: dict[str, tuple[Spoil, bool]] = {
    "no header": (lambda files: Files(spoiled(files.file, 0, 100), files.log), False),
    "no first page": (lambda files: Files(spoiled(files.file, 0), files.log), False),
    "noise as the first page": (
        lambda files: Files(spoiled(files.file, 0, seed=1), files.log),
        False,
    ),
    "no tables in the schema": (
        lambda files: Files(spoiled(files.file, 100, 3996), files.log),
        False,
    ),
    "another schema": (
        lambda files: Files(files.file.replace(b"lane TEXT NOT", b"line TEXT NOT"), files.log),
        False,
    ),
    "no text in the schema": (
        lambda files: Files(
            files.file.replace(b"CREATE TABLE halt", b"CREATE TABL\xff halt"), files.log
        ),
        False,
    ),
    "cut at a page": (lambda files: Files(files.file[: page(9)], files.log), True),
    "cut in a page": (lambda files: Files(files.file[: page(9) + 1234], files.log), True),
    "noise in the middle": (
        lambda files: Files(
            spoiled(files.file, page(min(files.homes()["inbox", "20"])), 3 * PAGE_BYTES, seed=2),
            files.log,
        ),
        True,
    ),
    "no root of the messages": (
        lambda files: Files(spoiled(files.file, page(2)), files.log),
        False,
    ),
    "empty": (lambda _: Files(b""), True),
    "not SQLite": (lambda _: Files(b"my shopping list " * 1000), True),
}


@pytest.mark.parametrize("name", SPOILERS)
def test_a_damaged_file_is_kept_and_read(
    path: Path, tmp_path: Path, stopped: Files, name: str
) -> None:
    """The file lies beside as it was; the journal opens with every row that is on a good page."""
    spoil, costs_rows = SPOILERS[name]
    spoil(stopped).put(path)
    sound = stopped.tables(tmp_path)
    with capture_logs() as logs, opened(path) as db:
        found = read_tables(db)
        assert not differing(found, sound)
        assert balanced(db)
    assert costs_rows == (found != sound)
    assert kept(path) == [spoil(stopped).file]
    (aside,) = path.parent.glob("*.corrupt-*Z")
    damaged, recovered = logs
    assert [damaged["event"], recovered["event"]] == ["journal_damaged", "journal_recovered"]
    for line in logs:
        assert (line["log_level"], line["file"], line["kept_as"]) == (
            "error",
            str(path),
            str(aside),
        )
    assert {table: recovered[table] for table in TABLES} == {t: len(found[t]) for t in TABLES}
    assert "missing" in recovered["note"]
    assert path.stat().st_mode & 0o777 == 0o600


def _frame(files: Files, number: int) -> int:
    """Return where a frame of the log begins."""
    assert 0 < number <= (len(files.log) - 32) // _FRAME_BYTES
    return 32 + (number - 1) * _FRAME_BYTES


def test_a_killed_servers_file_is_not_needed_for_what_is_in_its_log(
    path: Path, tmp_path: Path, killed: Files
) -> None:
    """Without its file, the log alone gives the pages that it has."""
    Path(f"{path}-wal").write_bytes(killed.log)
    with opened(path) as db:
        found = read_tables(db)
        assert not differing(found, killed.tables(tmp_path))
        assert balanced(db)
        assert found["inbox"]
    assert kept(path, "-wal") == [killed.log]


def test_a_damaged_frame_costs_its_page_only(path: Path, tmp_path: Path, killed: Files) -> None:
    """What was acknowledged after it is still there, where SQLite would drop it without a word."""
    at = _frame(killed, 3)
    broken = Files(killed.file, spoiled(killed.log, at + 24 + 2000, 16, seed=3))
    by_sqlite = broken.tables(tmp_path)
    assert len(by_sqlite["inbox"]) < MESSAGES
    broken.put(path)
    with opened(path) as db:
        assert len(read_tables(db)["inbox"]) == MESSAGES
        assert balanced(db)
    assert kept(path, "-wal") == [broken.log]


@pytest.mark.parametrize("seed", [None, 4])
def test_a_log_without_its_header(
    path: Path, tmp_path: Path, killed: Files, seed: int | None
) -> None:
    """Its frames are known by each other."""
    Files(killed.file, spoiled(killed.log, 0, 32, seed=seed)).put(path)
    with opened(path) as db:
        found = read_tables(db)
        assert len(found["inbox"]) >= MESSAGES - 1
        assert not differing(found, killed.tables(tmp_path))
        assert balanced(db)


def test_a_log_of_noise_is_no_loss(path: Path, tmp_path: Path, stopped: Files) -> None:
    """The file goes on without it, and both are kept."""
    noise = spoiled(bytes(3 * _FRAME_BYTES), 0, 3 * _FRAME_BYTES, seed=5)
    Files(stopped.file, noise).put(path)
    with opened(path) as db:
        assert read_tables(db) == stopped.tables(tmp_path)
    assert kept(path, "-wal") == [noise]


def test_a_log_that_ends_in_the_middle_of_a_frame(path: Path, killed: Files) -> None:
    """That is what a crash leaves, and no damage."""
    Files(killed.file, killed.log + killed.log[32:2000]).put(path)
    with opened(path) as db:
        assert len(read_tables(db)["inbox"]) == MESSAGES
    assert not kept(path)


@settings(max_examples=60)
@given(
    spots=st.lists(st.tuples(st.integers(0, 10**6), st.booleans()), min_size=1, max_size=8),
    end=st.integers(1, 10**6) | st.none(),
    in_log=st.booleans(),
)
def test_what_is_on_good_pages_survives(
    stopped: Files, killed: Files, spots: list[tuple[int, bool]], end: int | None, *, in_log: bool
) -> None:
    """Whatever pages are lost: rows of others are there as they were, the equation holds."""
    files = killed if in_log else stopped
    bad = {1 + spot % files.pages: noise for spot, noise in spots}
    content = files.file
    for number, noise in bad.items():
        content = spoiled(content, page(number), seed=number if noise else None)
    whole = files.pages if end is None else end % files.pages
    with TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        Files(content[: whole * PAGE_BYTES], files.log).put(path)
        # SQLite does not look into the texts; after a crash, nor does a start.
        with capture_logs(), (opened_twice if in_log else opened)(path) as db:
            assert balanced(db)
            found = read_tables(db)
        sound = files.tables(Path(folder))
    assert not differing(found, sound)
    there = {("inbox", row[3]) for row in found["inbox"].values()}
    there |= {("attempts", row[3]) for row in found["attempts"].values()}
    lost = {*bad, *range(whole + 1, files.pages + 1)} - files.pages_in_log()
    for key, home in files.homes().items():
        if key[0] == "inbox" and not home & lost:
            assert key in there


@settings(max_examples=100)
@given(
    changes=st.lists(st.tuples(st.integers(0, 10**7), st.binary(min_size=1, max_size=40))),
    log_changes=st.lists(st.tuples(st.integers(0, 10**7), st.binary(min_size=1, max_size=40))),
    end=st.integers(0, 10**7) | st.none(),
    in_log=st.booleans(),
)
def test_any_damage_is_got_over(
    stopped: Files,
    killed: Files,
    changes: list[tuple[int, bytes]],
    log_changes: list[tuple[int, bytes]],
    end: int | None,
    *,
    in_log: bool,
) -> None:
    """Whatever bytes are changed or cut off: the journal opens, and can be worked with."""
    files = killed if in_log else stopped
    content = _changed(files.file, changes)
    content = content if end is None else content[: end % len(content)]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        Files(content, _changed(files.log, log_changes)).put(path)
        with capture_logs():
            try:
                with opened(path) as db:
                    assert balanced(db)
                    fill(db, range(1000, 1003))
                    assert balanced(db)
            except JournalUnavailable as refusal:
                assert "newer than this server's" in str(refusal)  # noqa: PT017 - the one refusal


def _changed(content: bytes, changes: list[tuple[int, bytes]]) -> bytes:
    for spot, new in changes if content else []:
        at = spot % len(content)
        content = (content[:at] + new + content[at + len(new) :])[: len(content)]
    return content


def test_numbers_are_not_given_out_again(path: Path, stopped: Files) -> None:
    """A message that comes after the recovery has a number that none before it can have had."""
    Files(stopped.file[: page(9)]).put(path)
    with opened(path) as db:
        for table in ("inbox", "attempts", "outbox", "history"):
            (last,) = db.execute(
                "SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)
            ).fetchone()
            assert last >= 1_000_000
        fill(db, range(1000, 1001))
        assert db.execute("SELECT max(seq) FROM inbox").fetchone()[0] > 1_000_000


def test_counters_that_survive_are_kept(path: Path, stopped: Files) -> None:
    """What retention has deleted stays counted; what is accepted is made to fit."""
    Files(stopped.file).put(path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE counters SET value = 500 WHERE name = 'told'")
    with opened(path) as db:
        tally = counters.tally(db)
    assert (tally.told, tally.answered, tally.balanced) == (500, 16, True)
    assert len(kept(path)) == 1  # the counters did not add up


def test_a_reply_that_is_lost_makes_a_dead_letter(path: Path, stopped: Files) -> None:
    """Its message is not asked again: the room may have the reply."""
    path.write_bytes(stopped.file)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE inbox SET state = 'open', settled_at = NULL WHERE seq = 3")
        db.execute("UPDATE inbox SET state = 'open', settled_at = NULL WHERE seq = 5")
        db.execute("UPDATE inbox SET verdict = NULL WHERE seq = 5")
        db.execute("DELETE FROM outbox WHERE entry = 3")
    with opened(path) as db:
        rows = db.execute("SELECT state, verdict, reason FROM inbox WHERE seq IN (3, 5)")
        lost, found = (tuple(row) for row in rows)
        assert lost == (Outcome.DEAD, Outcome.ANSWERED, LOST_REPLY)
        assert found == ("open", Outcome.ANSWERED, None)  # its verdict is seen from its parts
        assert balanced(db)


def test_a_recovery_is_not_repeated(path: Path, stopped: Files) -> None:
    """The next start finds a sound file."""
    Files(spoiled(stopped.file, 0)).put(path)
    for _ in range(3):
        with opened(path) as db:
            assert counters.tally(db).accepted == MESSAGES
    assert len(kept(path)) == 1


class Died(BaseException):
    """The server is killed here."""


@pytest.mark.parametrize("moment", range(8))
def test_a_recovery_that_was_broken_off_is_finished(
    path: Path, monkeypatch: pytest.MonkeyPatch, killed: Files, moment: int
) -> None:
    """Whenever it dies, the next start has all rows, and the damaged files are kept whole."""
    damaged = Files(spoiled(killed.file, 0), killed.log)
    damaged.put(path)
    with monkeypatch.context() as patch:
        _die_at(patch, moment)
        try:
            with opened(path):
                pass
        except Died:
            pass
    with opened(path) as db:
        assert len(read_tables(db)["inbox"]) == MESSAGES
    assert kept(path) == [damaged.file]
    assert kept(path, "-wal") == [damaged.log]
    assert not list(path.parent.glob("*.recovered-*"))


def _die_at(patch: pytest.MonkeyPatch, moment: int) -> None:
    """Die before the step of that number: a rename, or the commit that comes first."""
    steps = iter(range(100))
    rename, salvage = Path.rename, recovery.salvage

    def step(do: Callable[..., object]) -> Callable[..., object]:
        def dying(*args: object, **kwargs: object) -> object:
            if next(steps) == moment:
                raise Died
            return do(*args, **kwargs)

        return dying

    patch.setattr(Path, "rename", step(rename))
    patch.setattr("bot.journal.recovery.salvage", step(salvage))


@contextmanager
def no_file_longer_than(length: int) -> Iterator[None]:
    """Let the kernel refuse what a full disk would."""
    soft, hard = getrlimit(RLIMIT_FSIZE)
    setrlimit(RLIMIT_FSIZE, (length, hard))
    try:
        yield
    finally:
        setrlimit(RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_the_damaged_file_in_its_place(path: Path, stopped: Files) -> None:
    """The start fails and says why; once there is room, the next one recovers."""
    damaged = Files(spoiled(stopped.file, 0))
    damaged.put(path)
    with no_file_longer_than(50_000), pytest.raises(JournalUnavailable):
        opened(path).__enter__()
    assert path.read_bytes() == damaged.file
    with opened(path) as db:
        assert len(read_tables(db)["inbox"]) == MESSAGES


def test_a_newer_servers_damaged_file_is_left_alone(path: Path, stopped: Files) -> None:
    """What this server does not know it cannot save."""
    version = struct.pack(">I", len(MIGRATIONS) + 1)
    newer = stopped.file[:60] + version + stopped.file[64:]
    Files(spoiled(newer, page(9))).put(path)
    with pytest.raises(JournalUnavailable, match="newer than this server's"):
        opened(path).__enter__()
    assert path.read_bytes() == spoiled(newer, page(9))


def test_every_table_is_saved(path: Path) -> None:
    """A new table has to be listed, or named here: nodes are written anew at each start.

    The content of a file is larger than a page; a reply that has lost it becomes a dead letter.
    """
    with opened(path) as db:
        tables = {
            name
            for (name,) in db.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            )
        }
    assert tables - {"node", "file"} == set(SAVED)
