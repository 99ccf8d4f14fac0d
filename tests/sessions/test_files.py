"""Session files on a real disk: their format, their names, and what is wrong with some."""

import asyncio
import json
import os
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.records import SessionKey
from bot.sessions.files import (
    SessionFile,
    SessionFiles,
    SessionFileWrong,
    dump_session_file,
    file_name,
    parse_session_file,
)
from tests.sessions.fakes import file_of

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEY = SessionKey(room="42", bot="ada")
SEED = {
    "session_id": "5c6ad9c2-4bd9-4c46-bd0b-f8b1cbbf9c0d",
    "room_id": 42,
    "bot_id": "ada",
    "last_used": "2026-11-20T12:00:00",
    "created_at": "2026-11-19T12:00:00.123456",
}


def changed(**fields: object) -> str:
    """Return the seed with other fields."""
    return json.dumps({**SEED, **fields})


def test_five_fields_are_enough() -> None:
    """A file that others wrote is read: a number for a room, times in UTC without saying so."""
    assert parse_session_file(json.dumps(SEED)) == SessionFile(
        key=KEY,
        session_id="5c6ad9c2-4bd9-4c46-bd0b-f8b1cbbf9c0d",
        created_at=datetime(2026, 11, 19, 12, 0, 0, 123456, tzinfo=UTC),
        last_used=AT,
    )


def test_written_file_has_the_five_fields() -> None:
    """A room that is a number is written as one; what we add comes after."""
    written = json.loads(dump_session_file(file_of(KEY, AT, turns=7, cost_usd=0.1234567)))
    assert written == {
        "session_id": "5c6ad9c2-4bd9-4c46-bd0b-f8b1cbbf9c0d",
        "room_id": 42,
        "bot_id": "ada",
        "last_used": "2026-11-20T12:00:00+00:00",
        "created_at": "2026-11-20T12:00:00+00:00",
        "turns": 7,
        "cost_usd": 0.123457,
    }


def test_time_zones_are_kept_apart() -> None:
    """A time with a zone is that moment, in UTC."""
    local = datetime(2026, 11, 20, 14, tzinfo=timezone(timedelta(hours=2)))
    assert parse_session_file(changed(last_used=local.isoformat())).last_used == AT


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "not JSON"),
        ("\0" * 200, "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        (b"\xff\xfe\xff", "not JSON"),
        ("[]", "not a JSON object"),
        ("null", "not a JSON object"),
        ("{}", '"bot_id" is missing'),
        (changed(bot_id="Ada"), "is not a bot id"),
        (changed(bot_id="../ada"), "is not a bot id"),
        (changed(bot_id="ada\n"), "is not a bot id"),
        (changed(room_id=None), '"room_id" is missing or not a text'),
        (changed(room_id=True), '"room_id" is missing or not a text'),
        (changed(room_id=1.5), '"room_id" is missing or not a text'),
        (changed(room_id=""), '"room_id" is missing or not a text'),
        (changed(session_id=""), '"session_id" is missing'),
        (changed(user_id=[]), '"user_id" is missing or not a text'),
        (changed(last_used="yesterday"), '"last_used" is not an ISO 8601 time'),
        (changed(last_used="0001-01-01T00:00:00+14:00"), '"last_used" is not an ISO 8601 time'),
        (changed(created_at=12), '"created_at" is not an ISO 8601 time'),
    ],
)
def test_wrong_file_says_what_is_wrong(content: str | bytes, why: str) -> None:
    """The field is named; the room goes on with a new session."""
    with pytest.raises(SessionFileWrong, match=why):
        parse_session_file(content)


@pytest.mark.parametrize("cost", [None, "much", [], float("nan"), float("-inf"), 10**400])
def test_rubbish_in_figures_is_no_figure(cost: object) -> None:
    """What only counts does not cost a room its memory."""
    file = parse_session_file(changed(cost_usd=cost, turns="many"))
    assert (file.cost_usd, file.turns) == (0.0, None)


_TEXT = st.text(alphabet=st.characters(), min_size=1, max_size=120)
_KEYS = st.builds(
    SessionKey,
    room=_TEXT
    | st.integers(0, 10**30).map(str)
    | st.sampled_from(["a_b", "a.b", "a/b", "..", "="]),
    bot=st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True),
    user=st.none() | _TEXT,
)


@given(_KEYS)
def test_every_key_comes_back(key: SessionKey) -> None:
    """Whatever a platform calls its rooms and people, a file says whose session it holds."""
    file = file_of(key, AT)
    assert parse_session_file(dump_session_file(file)) == file


@given(_KEYS, _KEYS)
def test_two_keys_never_share_a_name(one: SessionKey, other: SessionKey) -> None:
    """One room's session never lands in another's file."""
    assert (file_name(one) == file_name(other)) is (one == other)


@pytest.mark.parametrize(
    ("one", "other"), [("\ud800", "\ud801"), ("\ud800", "?"), ("ü" * 120, "ü" * 121)]
)
def test_odd_rooms_have_names_of_their_own(one: str, other: str) -> None:
    """Half characters and very long names too; the latter still fit a disk."""
    keys = [SessionKey(room=name, bot="ada", user=name) for name in (one, other)]
    assert file_name(keys[0]) != file_name(keys[1])
    assert all(len(file_name(key)) < 200 for key in keys)


@given(_KEYS)
def test_names_are_names(key: SessionKey) -> None:
    """A name stays in its folder, fits a disk, and is plain ASCII."""
    name = file_name(key)
    assert name.isascii()
    assert "/" not in name
    assert "\0" not in name
    assert len(f".{name}.new") <= 255


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (KEY, "session_42_ada.json"),
        (SessionKey(room="42", bot="ada_b"), "session_42_ada_b.json"),
        (SessionKey(room="42", bot="ada", user="7"), "session_42_ada.7.json"),
        (SessionKey(room="a_b.c", bot="ada"), "session_a=5f=b=2e=c_ada.json"),
    ],
)
def test_names_are_readable(key: SessionKey, name: str) -> None:
    """An operator finds a room's file by its number."""
    assert file_name(key) == name


@given(
    st.binary(max_size=200)
    | st.text(max_size=200)
    | st.recursive(
        st.none() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from([*SEED, "user_id", "turns", "cost_usd"]), inner)
        ),
    ).map(json.dumps)
)
def test_no_content_can_break_the_reading(content: str | bytes) -> None:
    """A file is a session or it is wrong; nothing else can come of it."""
    with suppress(SessionFileWrong):
        assert parse_session_file(content).session_id


async def test_file_comes_back_from_disk(tmp_path: Path) -> None:
    """What is written is found by the next scan, and can be deleted twice."""
    files, file = SessionFiles(tmp_path), file_of(KEY, AT)
    await files.write(file)
    await files.write(replace(file, turns=2))
    assert files.scan() == ([replace(file, turns=2)], [])
    await files.delete(KEY)
    await files.delete(KEY)
    assert files.scan() == ([], [])


async def test_write_is_durable_before_it_shows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The content is synced before the file has its name, and the name after that."""
    done: list[str] = []
    sync, replaced = os.fsync, os.replace

    def fsync(number: int) -> None:
        done.append(f"sync {Path(f'/proc/self/fd/{number}').readlink().name}")
        sync(number)

    def rename(source: Path, target: Path) -> None:
        done.append(f"rename to {Path(target).name}")
        assert json.loads(Path(source).read_text())["bot_id"] == "ada"
        replaced(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr("aiofiles.os.replace", _in_thread(rename))
    await SessionFiles(tmp_path).write(file_of(KEY, AT))
    fresh = ".session_42_ada.json.new"
    assert done == [f"sync {fresh}", "rename to session_42_ada.json", f"sync {tmp_path.name}"]


def _in_thread(function: object) -> object:
    async def called(*arguments: object) -> object:
        return await asyncio.to_thread(function, *arguments)  # type: ignore[arg-type]  # a function

    return called


async def test_failed_write_leaves_the_old_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A full disk does not cost the room the session it had."""
    files, file = SessionFiles(tmp_path), file_of(KEY, AT)
    await files.write(file)

    def full(_number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        await files.write(replace(file, turns=2))
    assert files.scan() == ([file], [])


def test_scan_tells_what_it_cannot_read(tmp_path: Path) -> None:
    """One wrong file does not hide the others; what is not a session file is left alone."""
    good = tmp_path / "session_42_ada.json"
    good.write_text(json.dumps(SEED))
    (tmp_path / "session_43_ada.json").write_text(json.dumps(SEED))
    (tmp_path / "session_44_ada.json").symlink_to(good)
    (tmp_path / "session_45_ada.json").mkdir()
    (tmp_path / "session_46_ada.json").write_text(changed(room_id=46) + " " * 2**16)
    (tmp_path / "session_47_ada.json").write_bytes(b"\0\xff garbage")
    os.mkfifo(tmp_path / "session_48_ada.json")
    (tmp_path / "journal.db").write_bytes(b"x")
    found, wrong = SessionFiles(tmp_path).scan()
    assert [file.key for file in found] == [KEY]
    assert {name[8:10]: why.split(":")[0] for name, why in wrong} == {
        "43": "its content belongs to session_42_ada.json",
        "44": "not a regular file",
        "45": "not a regular file",
        "46": "larger than 65536 bytes",
        "47": "not JSON",
        "48": "not a regular file",
    }


def test_scan_clears_away_what_a_crash_left(tmp_path: Path) -> None:
    """A half-written file is nobody's; its session has the state from before."""
    (tmp_path / ".session_42_ada.json.new").write_text('{"session_id": "5c')
    (tmp_path / ".hidden").write_text("x")
    assert SessionFiles(tmp_path).scan() == ([], [])
    assert [path.name for path in tmp_path.iterdir()] == [".hidden"]
