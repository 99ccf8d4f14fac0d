from pathlib import Path

from pydantic import SecretStr

from bot.config.bot import McpServer
from bot.config.settings import Settings
from bot.operate.secrets import KnownSecrets, secrets_of
from tests.operate.characters import FakeRoster, make_bot

NOTES = McpServer(
    name="notes",
    transport="stdio",
    command="notes-mcp",
    args=("-v", "--token=notes-argument"),
    env=(("TOKEN", "notes-environment"),),
)
PLANS = McpServer(
    name="plans",
    transport="http",
    url="https://ada:plans-password@plans.example/mcp?key=plans-query",
    headers=(("Authorization", "Bearer plans-header"),),
)


def test_all_that_a_bot_file_hides_is_known() -> None:
    """Key, webhook secret, and what tools are given: environment, headers, addresses."""
    found = set(secrets_of(make_bot(webhook_secret="hush-hush", servers=(NOTES, PLANS))))
    assert found == {
        "4-adaAdaAda123",
        "hush-hush",
        "--token=notes-argument",
        "notes-environment",
        "Bearer plans-header",
        "plans-password",
        "plans-query",
    }


def test_the_settings_secrets_are_known() -> None:
    """Tokens, keys, and passwords in addresses; an address itself is none."""
    settings = Settings(
        bots_dir=Path("bots.d"),
        admin_token=SecretStr("operators-token"),
        anthropic_api_key=SecretStr("model-key"),
        claude_code_oauth_token=SecretStr("oauth-token"),
        anthropic_base_url="https://kim:base-password@model.example",
    )
    known = KnownSecrets(settings, FakeRoster(), admin_token="operators-token")()
    assert set(known) == {"operators-token", "model-key", "oauth-token", "base-password"}


def test_the_bots_are_asked_again_when_they_have_changed() -> None:
    """The same tuple until then; retiring bots still count."""
    roster = FakeRoster(make_bot(key="4-first"))
    secrets = KnownSecrets(Settings(), roster, admin_token="operators-token")
    first = secrets()
    assert secrets() is first
    roster.remove_file("ada")
    roster.bots = {"bo": make_bot("bo", key="5-second")}
    assert set(secrets()) == {"operators-token", "4-first", "5-second"}
