"""The folder: which files are bots, and what happens to those that are not right."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bot.config.bots_dir import read_bots
from bot.config.settings import Settings
from tests.config.conftest import ADA, ADA_KEY, BO, ENVIRON, Read


def sentences(read: Read) -> list[str]:
    """Give what is wrong with the folder, as the operator sees it."""
    return [str(mistake) for mistake in read().mistakes]


def test_every_toml_and_json_file_is_a_bot(folder: Path, read: Read) -> None:
    """The id is the file's name without its ending."""
    (folder / "ada.toml").write_text(ADA)
    (folder / "bo_2-x.toml").write_text(BO)
    assert list(read().bots) == ["ada", "bo_2-x"]


def test_one_broken_file_does_not_touch_the_others(folder: Path, read: Read) -> None:
    """Ada is served, and Bo's mistakes are told."""
    (folder / "ada.toml").write_text(ADA)
    (folder / "bo.toml").write_text("name = ")
    reading = read()
    assert list(reading.bots) == ["ada"]
    assert reading.broken == {"bo"}
    assert [str(mistake) for mistake in reading.mistakes] == [
        "bots.d/bo.toml:1: is not valid TOML: invalid value (at its end)"
    ]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.toml", b"x = [", "a.toml:1: is not valid TOML: invalid value (at its end)"),
        (
            "a.toml",
            b"\nx = 1\nx = 2\n",
            "a.toml:3: is not valid TOML: cannot overwrite a value (column 6)",
        ),
        ("a.toml", b"\n\xff", "a.toml:2: is not UTF-8 text: save it as UTF-8"),
        (
            "a.toml",
            b"x = " + b"[" * 50_000,
            "a.toml: is nested too deeply: a bot file has four levels at most",
        ),
        (
            "a.toml",
            b"x = " + b"9" * 5_000,
            "a.toml: holds a number with thousands of digits, which no key takes",
        ),
        (
            "a.toml",
            b"#" * (2**20 + 1),
            "a.toml: is larger than 1 MiB, which no bot file needs to be",
        ),
        ("a.json", b'{\n"a" 1}', "a.json:2: is not valid JSON: expecting ':' delimiter (column 5)"),
        ("a.json", b"[]", 'a.json:1: must be a JSON object: { "name": \u2026 }'),
        (
            "a.json",
            b'{"a": 1, "a": 2}',
            'a.json: is not valid JSON: the key "a" stands there twice',
        ),
        ("a.json", b'{"a": NaN}', "a.json: is not valid JSON: NaN is not a number of JSON"),
        (
            "a.json",
            b'{"a": ' + b"9" * 5_000 + b"}",
            "a.json: holds a number with thousands of digits, which no key takes",
        ),
        (
            "a.json",
            b"[" * 50_000,
            "a.json: is nested too deeply: a bot file has four levels at most",
        ),
        (
            "Ada.toml",
            b"",
            (
                'Ada.toml: "Ada" cannot be the id of a bot: rename the file, '
                'with lower-case letters, digits, "-" and "_", at most 64'
            ),
        ),
        (
            f"{'a' * 65}.toml",
            b"",
            (
                f'{"a" * 65}.toml: "{"a" * 60}…" cannot be the id of a bot: rename the file, '
                'with lower-case letters, digits, "-" and "_", at most 64'
            ),
        ),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    folder: Path, read: Read, name: str, content: bytes, sentence: str
) -> None:
    """Syntax, encoding, size, depth and name: each with the line where there is one."""
    (folder / name).write_bytes(content)
    assert sentences(read) == [f"bots.d/{sentence}"]


def test_what_is_no_file_is_told(folder: Path, read: Read) -> None:
    """A folder, a pipe (which would block for ever) and a dead link are not read."""
    (folder / "a.toml").mkdir()
    os.mkfifo(folder / "b.toml")
    (folder / "c.toml").symlink_to("gone")
    assert sentences(read) == [
        "bots.d/a.toml: is not a regular file",
        "bots.d/b.toml: is not a regular file",
        "bots.d/c.toml: cannot be read: no such file or directory",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_told(folder: Path, read: Read) -> None:
    """The operator learns it before the room does."""
    (folder / "ada.toml").touch(mode=0)
    assert sentences(read) == ["bots.d/ada.toml: cannot be read: permission denied"]


def test_what_editors_leave_behind_is_no_bot(folder: Path, read: Read) -> None:
    """Hidden files, backups, prompts and Kubernetes' folders are passed over in silence."""
    (folder / "ada.toml").write_text(ADA)
    for name in (".ada.toml.swp", ".hidden.toml", "ada.toml~", "#ada.toml#", "ada.md", "x.bak"):
        (folder / name).write_text("not a bot")
    (folder / "..data").mkdir()
    (folder / "prompts").mkdir()
    reading = read()
    assert list(reading.bots) == ["ada"]
    assert reading.mistakes == reading.warnings == ()


def test_what_looks_like_a_bot_and_is_not_read_is_remarked(folder: Path, read: Read) -> None:
    """YAML and an ending in capitals are easy to overlook."""
    (folder / "ada.yaml").touch()
    (folder / "bo.TOML").touch()
    assert [str(warning) for warning in read().warnings] == [
        "bots.d: holds no bot file yet: a bot is a file such as ada.toml",
        "bots.d/ada.yaml: is not read: bot files end in .toml or .json",
        "bots.d/bo.TOML: is not read: bot files end in .toml or .json",
    ]


def test_a_bot_file_may_be_a_link(folder: Path, read: Read) -> None:
    """Kubernetes mounts every file of a ConfigMap as a link into a hidden folder."""
    (folder / "..2026").mkdir()
    (folder / "..2026/ada.toml").write_text(ADA)
    (folder / "ada.toml").symlink_to("..2026/ada.toml")
    assert list(read().bots) == ["ada"]


def test_a_byte_order_mark_is_no_mistake(folder: Path, read: Read) -> None:
    """Editors on Windows put one there."""
    (folder / "ada.toml").write_text(ADA, encoding="utf-8-sig")
    assert list(read().bots) == ["ada"]


def test_two_files_of_one_id_serve_neither(folder: Path, read: Read) -> None:
    """Nobody can say which of them is meant."""
    (folder / "ada.toml").write_text(ADA)
    (folder / "ada.json").write_text("{}")
    reading = read()
    assert reading.bots == {}
    assert reading.broken == {"ada"}
    last = reading.mistakes[-1]
    assert str(last) == 'bots.d/ada.toml: is bot "ada" a second time: remove it, or bots.d/ada.json'


def test_two_bots_with_one_key_serve_neither(folder: Path, read: Read) -> None:
    """A delivery with that key could be for either; the key itself is not shown."""
    (folder / "ada.toml").write_text(ADA)
    (folder / "bo.toml").write_text(ADA.replace('{ env = "ADA_BOT_KEY" }', f'"{ADA_KEY}"'))
    reading = read()
    assert reading.bots == {}
    assert reading.broken == {"ada", "bo"}
    assert [str(mistake) for mistake in reading.mistakes] == [
        "bots.d/ada.toml:3: key is also that of bots.d/bo.toml: every bot needs a key of its own",
        "bots.d/bo.toml:3: key is also that of bots.d/ada.toml: every bot needs a key of its own",
    ]
    assert ADA_KEY not in repr(reading)


def test_a_missing_folder_is_a_mistake(folder: Path, read: Read) -> None:
    """The sentence says which folder, and how to name another."""
    folder.rmdir()
    reading = read()
    assert reading.broken is None
    assert [str(mistake) for mistake in reading.mistakes] == [
        (
            "bots.d: cannot be read as the folder of bot files: no such file or directory; "
            "create it, or set HEARTH_BOTS_DIR"
        )
    ]


def test_mistakes_name_the_folder_as_the_operator_does(folder: Path, settings: Settings) -> None:
    """An absolute HEARTH_BOTS_DIR gives absolute places."""
    (folder / "ada.toml").write_text("")
    reading = read_bots(folder.absolute(), environ={}, settings=settings)
    assert {mistake.where for mistake in reading.mistakes} == {str(folder.absolute() / "ada.toml")}


KEYS = st.sampled_from(
    [
        *("name", "platform", "key", "model", "system_prompt", "system_prompt_file", "session"),
        *("turn", "agent", "scope", "ttl", "tools", "user", "mcp_servers", "env", "headers"),
        *("url", "type", "command", "args", "mcp_tools", "tools_from", "max_turns", "[key]"),
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["Bash", "\ud800", "http", "campfire", "x" * 300]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
WITHIN_A_FOLDER = hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


def assert_readable(read: Read) -> None:
    """Check that a reading gives a bot or mistakes, and every sentence fits on one line."""
    reading = read()
    assert bool(reading.bots) != bool(reading.mistakes)
    for mistake in (*reading.mistakes, *reading.warnings):
        assert str(mistake).encode()
        assert str(mistake).isprintable()


@WITHIN_A_FOLDER
@given(st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from([ADA, BO]))
@example("a." * 3_000 + "a = 1")
@example('[agent.mcp_servers]\n"\\n" = 3\n"[key]" = {}\n[agent.mcp_servers.x.env]\n"[key]" = 3')
@example("[agent]\nmax_budget_usd = 0x" + "f" * 400)
@example("session.ttl = 1979-05-27\nagent = [[[]]]\nkey = {}\nplatform = inf")
@example(f'{ADA}system_prompt_file = "{"a" * 5_000}"')
@example(f'{ADA}webhook_secret = {{ file = "{"a" * 5_000}" }}')
def test_any_toml_gives_a_bot_or_mistakes(folder: Path, read: Read, text: str) -> None:
    """Whatever stands in the file, nothing is raised."""
    (folder / "ada.toml").write_text(text, encoding="utf-8", newline="")
    assert_readable(read)


@WITHIN_A_FOLDER
@given(st.binary())
def test_any_bytes_give_mistakes(folder: Path, read: Read, content: bytes) -> None:
    """Neither TOML nor JSON of any bytes raises anything."""
    (folder / "ada.toml").write_bytes(content)
    assert_readable(read)
    (folder / "ada.toml").unlink()
    (folder / "ada.json").write_bytes(content)
    assert_readable(read)
    (folder / "ada.json").unlink()


@WITHIN_A_FOLDER
@given(st.dictionaries(KEYS, VALUES))
@example({"key": {"file": "\ud800"}, "webhook_secret": "\ud800", "\ud800": 1})
@example({"agent": {"mcp_servers": {"type": "x", "n": {"env": {"[key]": {}}}}}})
def test_any_json_gives_a_bot_or_mistakes(
    folder: Path, read: Read, content: dict[str, object]
) -> None:
    """Our keys with values of every kind, half characters included, raise nothing."""
    (folder / "ada.json").write_text(json.dumps(content))
    assert_readable(read)


def test_a_hundred_bots_are_read_together(folder: Path, settings: Settings) -> None:
    """Every one is found, in the order of their names."""
    environ = dict(ENVIRON)
    for number in range(100):
        environ[f"KEY_{number}"] = f"{number}-AbCdEfGhIjKl"
        text = ADA.replace("ADA_BOT_KEY", f"KEY_{number}")
        (folder / f"bot-{number:03}.toml").write_text(text)
    reading = read_bots(folder, environ=environ, settings=settings)
    assert list(reading.bots) == [f"bot-{number:03}" for number in range(100)]
