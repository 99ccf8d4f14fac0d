import hmac
import os
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.config.settings import Settings
from bot.errors import ConfigError
from bot.operate.admin import STRONG, TRIES, AdminToken, Verdict, load_admin_token
from tests.operate.characters import Clock

TOKEN = "a-token-of-the-operator"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Give settings that name no token."""
    return Settings(session_cache=tmp_path)


def mode(path: Path) -> int:
    """Give the permissions of a file."""
    return stat.S_IMODE(path.stat().st_mode)


# ---- what a request shows ----


@pytest.mark.parametrize(
    ("shown", "verdict"),
    [
        (f"Bearer {TOKEN}", Verdict.ADMITTED),
        (f"bearer  {TOKEN}", Verdict.ADMITTED),
        (None, Verdict.DENIED),
        ("", Verdict.DENIED),
        ("Bearer", Verdict.DENIED),
        ("Bearer ", Verdict.DENIED),
        (TOKEN, Verdict.DENIED),
        (f"Basic {TOKEN}", Verdict.DENIED),
        (f"Bearer {TOKEN}x", Verdict.DENIED),
        (f"Bearer {TOKEN[:-1]}", Verdict.DENIED),
        ("Bearer zw\xf6lf\udcff", Verdict.DENIED),
    ],
)
def test_only_the_token_admits(shown: str | None, verdict: Verdict) -> None:
    """In the one form that the standard has for it."""
    assert AdminToken(TOKEN).judge(shown) is verdict


def test_nothing_is_told_by_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is shown is compared as a whole, and its length makes no difference."""
    compare, compared = hmac.compare_digest, list[tuple[int, int]]()

    def watched(given: bytes, expected: bytes) -> bool:
        compared.append((len(given), len(expected)))
        return compare(given, expected)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    token = AdminToken(TOKEN)
    for shown, verdict in ((TOKEN, Verdict.ADMITTED), ("x", Verdict.DENIED)):
        assert token.judge(f"Bearer {shown}") is verdict
    assert compared == [(32, 32)] * 2


def test_a_long_token_locks_nobody_out() -> None:
    """It cannot be guessed; a lock would only help whoever wants to shut the operator out."""
    token = AdminToken(TOKEN)
    assert len(TOKEN) >= STRONG
    for _ in range(1000):
        assert token.judge("Bearer wrong") is Verdict.DENIED
    assert token.judge(f"Bearer {TOKEN}") is Verdict.ADMITTED


def test_guesses_at_a_short_token_are_bounded(clock: Clock) -> None:
    """So many a minute for everybody together; then even the right one has to wait."""
    token = AdminToken("short", now=clock.seconds)
    for _ in range(TRIES):
        assert token.judge("Bearer wrong") is Verdict.DENIED
    assert token.judge("Bearer short") is Verdict.LATER
    clock.pass_(60)
    assert token.judge("Bearer short") is Verdict.ADMITTED


def test_right_requests_and_bare_ones_are_no_guesses(clock: Clock) -> None:
    """A browser that shows nothing, a monitor that asks often."""
    token = AdminToken("short", now=clock.seconds)
    for _ in range(1000):
        token.judge(None)
        assert token.judge("Bearer short") is Verdict.ADMITTED


def test_a_guesser_is_heard_of_once_a_minute(clock: Clock) -> None:
    """And what was guessed is not in the log: it may be a password for something else."""
    token = AdminToken(TOKEN, now=clock.seconds)
    with capture_logs() as events:
        for _ in range(100):
            token.judge("Bearer guess")
        clock.pass_(60)
        token.judge("Bearer guess")
    assert [event["event"] for event in events] == ["admin_token_wrong"] * 2
    assert "guess" not in str(events)


def test_a_token_is_not_in_its_repr() -> None:
    """It stands in tracebacks, with luck, and in debuggers."""
    assert TOKEN not in repr(AdminToken(TOKEN))


# ---- where it comes from ----


def test_the_settings_come_first(tmp_path: Path) -> None:
    """Then no file is made."""
    settings = Settings(session_cache=tmp_path, admin_token=SecretStr(TOKEN))
    assert load_admin_token(settings).value == TOKEN
    assert not list(tmp_path.iterdir())


def test_a_token_is_generated_and_kept(settings: Settings, tmp_path: Path) -> None:
    """Only its owner may read it, and the next start finds it."""
    with capture_logs() as events:
        token = load_admin_token(settings).value
    assert len(token) >= 32
    assert [path.name for path in tmp_path.iterdir()] == ["admin.token"]
    assert mode(tmp_path / "admin.token") == 0o600
    assert load_admin_token(settings).value == token
    assert token not in str(events)


def test_the_mode_does_not_depend_on_the_umask(settings: Settings, tmp_path: Path) -> None:
    """A generous umask must not make it readable."""
    before = os.umask(0)
    try:
        load_admin_token(settings)
    finally:
        os.umask(before)
    assert mode(tmp_path / "admin.token") == 0o600


def test_two_servers_have_two_tokens(tmp_path: Path) -> None:
    """Nothing in it can be known in advance."""
    first, second = tmp_path / "first", tmp_path / "second"
    tokens = set()
    for folder in (first, second):
        folder.mkdir()
        tokens.add(load_admin_token(Settings(session_cache=folder)).value)
    assert len(tokens) == 2


def test_a_killed_start_leaves_nothing_that_hinders(settings: Settings, tmp_path: Path) -> None:
    """A half-written file never gets the real name."""
    (tmp_path / ".admin.token.new").write_text("hal")
    assert len(load_admin_token(settings).value) >= 32


def test_a_readable_file_is_closed_to_others(settings: Settings, tmp_path: Path) -> None:
    """And the operator hears of it, without the token."""
    path = tmp_path / "admin.token"
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o644)
    with capture_logs() as events:
        assert load_admin_token(settings).value == TOKEN
    assert mode(path) == 0o600
    assert events[0]["event"] == "admin_token_mode_mended"
    assert TOKEN not in str(events)


def test_a_link_is_refused(settings: Settings, tmp_path: Path) -> None:
    """It could name any file of the machine, even one that is not there."""
    (tmp_path / "admin.token").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match=r"admin\.token: is a symbolic link: remove it"):
        load_admin_token(settings)


def test_a_pipe_is_refused(settings: Settings, tmp_path: Path) -> None:
    """And does not stop the start."""
    os.mkfifo(tmp_path / "admin.token", 0o600)
    with pytest.raises(ConfigError, match="not a regular file"):
        load_admin_token(settings)


@pytest.mark.parametrize("content", ["", "\n", "short", "two words of a whole sentence", "ö" * 30])
def test_a_file_without_a_token_is_refused(
    settings: Settings, tmp_path: Path, content: str
) -> None:
    """An empty one would admit whoever shows nothing; its content is not repeated."""
    path = tmp_path / "admin.token"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="holds no token") as caught:
        load_admin_token(settings)
    assert not content.strip() or content not in str(caught.value)


def test_a_folder_that_is_not_there_is_the_operators_mistake(tmp_path: Path) -> None:
    """With the way round it."""
    with pytest.raises(ConfigError, match="no such file or directory; set HEARTH_ADMIN_TOKEN"):
        load_admin_token(Settings(session_cache=tmp_path / "missing"))
