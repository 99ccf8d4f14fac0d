"""Settings from the environment."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.config.settings import BODY_LIMIT_BYTES, AgentAccess, load_settings, settings_table
from bot.config.survey import survey
from bot.errors import ConfigError


def mistakes(**environ: str) -> list[str]:
    """Load what is wrong, and give the lines that the operator sees."""
    with pytest.raises(ConfigError) as caught:
        load_settings(environ)
    return str(caught.value).splitlines()


def test_nothing_has_to_be_set() -> None:
    """An empty environment gives the defaults of the design."""
    settings = load_settings({})
    assert settings.bots_dir == Path("bots.d")
    assert settings.session_cache == Path("session_cache")
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.campfire_url is settings.admin_token is settings.database_url is None
    assert settings.session_ttl_s == 86_400
    assert settings.memory_budget_bytes is None
    assert settings.child_limit_bytes == 400 * 2**20
    assert (settings.spares, settings.warm_rooms) == (None, 16)
    assert (settings.grace_s, settings.dedupe_s, settings.history_s) == (30, 604_800, 2_592_000)
    assert (settings.log_format, settings.log_level) == ("auto", "info")
    assert BODY_LIMIT_BYTES == 2**20


def test_every_setting_can_be_set() -> None:
    """Each variable reaches its field, with units read and the trailing slash dropped."""
    settings = load_settings(
        {
            "HEARTH_BOTS_DIR": "/etc/hearth/bots.d",
            "HEARTH_SESSION_CACHE": "/var/lib/hearth",
            "HEARTH_HOST": "::",
            "HEARTH_PORT": "0",
            "HEARTH_CAMPFIRE_URL": "https://chat.example.com/campfire/",
            "HEARTH_ADMIN_TOKEN": "correct-horse",
            "HEARTH_DATABASE_URL": "sqlite://",
            "HEARTH_SESSION_TTL": "1h30m",
            "HEARTH_MEMORY_BUDGET": "4GiB",
            "HEARTH_CHILD_LIMIT": "300MiB",
            "HEARTH_SPARES": "2",
            "HEARTH_WARM_ROOMS": "0",
            "HEARTH_GRACE": "0",
            "HEARTH_DEDUPE": "2d",
            "HEARTH_HISTORY": "1d",
            "HEARTH_LOG_FORMAT": "JSON",
            "HEARTH_LOG_LEVEL": "Debug",
        }
    )
    assert settings.bots_dir == Path("/etc/hearth/bots.d")
    assert settings.session_cache == Path("/var/lib/hearth")
    assert (settings.host, settings.port) == ("::", 0)
    assert settings.campfire_url == "https://chat.example.com/campfire"
    assert settings.admin_token is not None
    assert settings.admin_token.get_secret_value() == "correct-horse"
    assert settings.session_ttl_s == 5_400
    assert settings.memory_budget_bytes == 4 * 2**30
    assert settings.child_limit_bytes == 300 * 2**20
    assert (settings.spares, settings.warm_rooms) == (2, 0)
    assert (settings.grace_s, settings.dedupe_s, settings.history_s) == (0, 172_800, 86_400)
    assert (settings.log_format, settings.log_level) == ("json", "debug")


def test_only_the_given_mapping_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the process environment nor a .env file is looked at."""
    monkeypatch.setenv("HEARTH_PORT", "9")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "from-outside")
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("HEARTH_HOST=0.0.0.0\n")
    settings = load_settings({})
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.agent_access == AgentAccess()


def test_an_empty_variable_is_not_set() -> None:
    """Compose files pass variables on that nobody set: they are empty, and mean nothing."""
    settings = load_settings({"HEARTH_PORT": "", "HEARTH_ADMIN_TOKEN": "  ", "OTHER": "x"})
    assert settings.port == 8000
    assert settings.admin_token is None


def test_settings_are_frozen() -> None:
    """Nobody changes a setting while the server runs."""
    with pytest.raises(ValidationError):
        load_settings({}).port = 1


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "http", '"http" must be a whole number'),
        ("PORT", "65536", '"65536" must be at most 65,535'),
        ("PORT", "-1", '"-1" must be at least 0'),
        (
            "PORT",
            "tcp://10.0.0.7:8000",
            (
                '"tcp://10.0.0.7:8000" is what Kubernetes sets for a service named "hearth": '
                "put enableServiceLinks: false into the pod's spec"
            ),
        ),
        (
            "HOST",
            "localhost:8000",
            '"localhost:8000" must be a host alone: the port goes into HEARTH_PORT',
        ),
        (
            "HOST",
            "http://x",
            '"http://x" is not a host: write for example "127.0.0.1", "0.0.0.0" or "::"',
        ),
        (
            "CAMPFIRE_URL",
            "chat.example.com",
            (
                '"chat.example.com" is not an address: it starts with http:// or https:// '
                "and names a host"
            ),
        ),
        (
            "CAMPFIRE_URL",
            "https://chat.example.com/?a",
            '"https://chat.example.com/?a" must end before "?" and "#": paths are put behind it',
        ),
        (
            "CAMPFIRE_URL",
            "https://[::1",
            '"https://[::1" is not an address: it starts with http:// or https:// and names a host',
        ),
        (
            "SESSION_TTL",
            "1 day",
            '"1 day" is not a duration: write for example "90s", "3m", "1h30m", "24h" or "7d"',
        ),
        ("SESSION_TTL", "0", '"0" must be longer than 0'),
        (
            "DEDUPE",
            "20y",
            '"20y" is not a duration: write for example "90s", "3m", "1h30m", "24h" or "7d"',
        ),
        ("HISTORY", "9999d", '"9999d" is longer than ten years, the longest duration there is'),
        (
            "MEMORY_BUDGET",
            "4G",
            '"4G" is not a size: write for example "512MiB", "4GiB" or a number of bytes',
        ),
        (
            "MEMORY_BUDGET",
            "4",
            '"4" is too little: one open conversation takes about 128MiB',
        ),
        (
            "LOG_FORMAT",
            "jsn",
            '"jsn" is not one of "auto", "json", "console" (did you mean "json"?)',
        ),
        ("LOG_LEVEL", "loud", '"loud" is not one of "debug", "info", "warning", "error"'),
    ],
)
def test_a_wrong_value_is_named_with_its_rule(name: str, value: str, sentence: str) -> None:
    """The sentence has the variable, the value, the rule and the cure."""
    assert mistakes(**{f"HEARTH_{name}": value}) == [f"HEARTH_{name}: {sentence}"]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "HEARTH_ADMIN_TOKEN",
            "hunter2 hunter2",
            "its value must be plain letters, digits and signs: it travels in a header",
        ),
        (
            "HEARTH_DATABASE_URL",
            "postgresql://hearth:hunter2@db/hearth",
            (
                "its value asks for PostgreSQL, which is not supported yet: leave it unset, "
                "and the journal is an SQLite file in the session cache"
            ),
        ),
        (
            "HEARTH_DATABASE_URL",
            "mysql://hearth:hunter2@db/hearth",
            (
                "its value is not a database that Hearth knows: leave it unset, "
                'or write "sqlite://"; '
                "both mean the journal.db in the session cache"
            ),
        ),
        (
            "HEARTH_CAMPFIRE_URL",
            "https://kim:hunter2@chat.example.com",
            "its value must not carry a user or a password: leave out what stands before the @",
        ),
        (
            "ANTHROPIC_API_KEY",
            "hunter2 hunter2",
            "its value must be plain letters, digits and signs: it travels in a header",
        ),
        (
            "CLAUDE_CODE_OAUTH_TOKEN",
            "hunter2\x00",
            "its value must be plain letters, digits and signs: it travels in a header",
        ),
        (
            "ANTHROPIC_BASE_URL",
            "kim:hunter2",
            "its value is not an address: it starts with http:// or https:// and names a host",
        ),
    ],
)
def test_a_secret_is_never_repeated(name: str, value: str, sentence: str) -> None:
    """What is wrong with a secret is said without it."""
    with pytest.raises(ConfigError) as caught:
        load_settings({name: value})
    assert str(caught.value) == f"{name}: {sentence}"
    assert "hunter2" not in repr(caught.value.mistakes)


def test_unknown_settings_get_a_suggestion() -> None:
    """A variable with our prefix is ours: a misspelt one must not be ignored in silence."""
    rest = "names that start with HEARTH_ are Hearth's own"
    assert mistakes(HEARTH_PROT="1", HEARTH_XYZZY="2", hearth_host="3") == [
        f'HEARTH_PROT: is not a setting (did you mean "HEARTH_PORT"?); {rest}',
        f"HEARTH_XYZZY: is not a setting; {rest}",
        f'hearth_host: is not a setting (did you mean "HEARTH_HOST"?); {rest}',
    ]


def test_all_mistakes_come_at_once() -> None:
    """One run tells everything."""
    found = mistakes(HEARTH_PROT="1", HEARTH_PORT="x", HEARTH_GRACE="soon", HEARTH_LOG_LEVEL="x")
    assert [line.split(":")[0] for line in found] == [
        "HEARTH_PROT",
        "HEARTH_PORT",
        "HEARTH_GRACE",
        "HEARTH_LOG_LEVEL",
    ]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"HEARTH_CATCH_UP": "8d"}, "HEARTH_CATCH_UP (8d) is longer than HEARTH_DEDUPE (7d)"),
        ({"HEARTH_DEDUPE": "1m"}, "HEARTH_CATCH_UP (1h) is longer than HEARTH_DEDUPE (1m)"),
        (
            {"HEARTH_CATCH_UP": "9d", "HEARTH_DEDUPE": "8d"},
            "HEARTH_CATCH_UP (9d) is longer than HEARTH_DEDUPE (8d)",
        ),
    ],
)
def test_a_message_is_not_forgotten_while_it_is_looked_for(
    given: dict[str, str], sentence: str
) -> None:
    """Else it would be answered twice. Each that was set is named, so that all can be unset."""
    with pytest.raises(ConfigError) as wrong:
        load_settings(given)
    assert [mistake.where for mistake in wrong.value.mistakes] == list(given)
    assert all(mistake.what.startswith(sentence) for mistake in wrong.value.mistakes)
    assert survey(given).settings == load_settings({})


def test_the_agents_access_goes_to_the_agent_and_hides_itself() -> None:
    """Its variables are given on under their own names; no repr shows them."""
    settings = load_settings(
        {
            "ANTHROPIC_API_KEY": "sk-hunter2",
            "ANTHROPIC_BASE_URL": "http://kim:hunter2@127.0.0.1:9",
            "HEARTH_ADMIN_TOKEN": "hunter2",
        }
    )
    assert settings.agent_access.environment() == {
        "ANTHROPIC_API_KEY": "sk-hunter2",
        "ANTHROPIC_BASE_URL": "http://kim:hunter2@127.0.0.1:9",
    }
    assert "hunter2" not in f"{settings!r} {settings} {settings.agent_access!r}"


def test_an_oauth_token_is_passed_on() -> None:
    """The login of a subscription takes the same way as a key."""
    access = load_settings({"CLAUDE_CODE_OAUTH_TOKEN": "token"}).agent_access
    assert access.environment() == {"CLAUDE_CODE_OAUTH_TOKEN": "token"}


def test_the_table_lists_every_setting_as_operators_write_it() -> None:
    """Names, defaults and meanings, from which the README is checked."""
    rows = {row.name: row for row in settings_table()}
    assert len(rows) == 21
    assert rows["HEARTH_SESSION_TTL"].default == "24h"
    assert rows["HEARTH_HISTORY"].default == "30d"
    assert rows["HEARTH_PORT"].default == "8000"
    assert rows["HEARTH_CHILD_LIMIT"].default == "400MiB"
    assert rows["HEARTH_CAMPFIRE_URL"].default == ""
    assert all(row.meaning.endswith(".") for row in rows.values())


def test_the_defaults_in_the_table_are_themselves_right() -> None:
    """Whoever sets every default explicitly gets the same server."""
    written = {row.name: row.default for row in settings_table()}
    assert load_settings(written) == load_settings({})
