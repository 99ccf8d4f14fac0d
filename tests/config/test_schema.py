"""The JSON Schema that editors use, and the example that ships."""

import re
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from bot.config.bot_file import TABLES, bot_file_schema
from bot.config.bots_dir import read_bots
from bot.config.sentences import KeyPath
from bot.config.settings import Settings
from tests.config.conftest import ADA, ADA_KEY

EXAMPLES = Path(__file__).parents[2] / "bots.d"


def accepts(text: str) -> bool:
    """Ask the schema, as an editor does."""
    return Draft202012Validator(bot_file_schema()).is_valid(tomllib.loads(text))


def test_the_schema_is_one() -> None:
    """It is valid itself."""
    Draft202012Validator.check_schema(bot_file_schema())


@pytest.mark.parametrize(
    "addition",
    [
        "",
        'webhook_secret = { file = "x" }',
        '[session]\nttl = "1h30m"',
        "[session]\nttl = 90",
        '[agent.mcp_servers.n]\ncommand = "x"\nenv = { A = { env = "B" }, C = "d" }',
    ],
)
def test_what_we_accept_editors_accept(addition: str) -> None:
    """The schema is not stricter than the server."""
    assert accepts(ADA + addition)


@pytest.mark.parametrize(
    "addition",
    [
        'modle = "x"',
        'system_prompt_file = "x.md"',
        '[session]\nttl = "soon"',
        '[turn]\nlane = "here"',
        "[agent]\nmax_turns = 0",
        '[agent.mcp_servers.n]\nenv = { A = { evn = "B" } }',
    ],
)
def test_what_we_refuse_editors_refuse(addition: str) -> None:
    """Where JSON Schema can say it, it says it."""
    assert not accepts(ADA + addition)


def test_every_key_is_described() -> None:
    """An editor can say what each key means."""
    for table, model in TABLES.items():
        for name, field in model.model_fields.items():
            assert field.description, (table, name)


def test_the_example_is_right(settings: Settings) -> None:
    """The bot file in the repository loads without a warning, and fits the schema."""
    reading = read_bots(EXAMPLES, environ={"ADA_BOT_KEY": ADA_KEY}, settings=settings)
    assert reading.mistakes == reading.warnings == ()
    assert reading.bots["ada"].name == "Ada"
    assert accepts((EXAMPLES / "ada.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("table", [table for table in TABLES if "mcp_servers" not in table])
def test_the_example_has_every_key(table: KeyPath) -> None:
    """README says so; of an MCP server it shows some, since these are as the SDK has them."""
    text = (EXAMPLES / "ada.toml").read_text(encoding="utf-8")
    for key in TABLES[table].model_fields:
        assert re.search(rf"^(# )?(\[[a-z.]*)?{key}( = |\.|\])", text, re.MULTILINE), key


def test_the_commented_keys_of_the_example_are_right_too(
    settings: Settings, tmp_path: Path
) -> None:
    """What an operator uncomments works, apart from a user that this machine may not have."""
    text = (EXAMPLES / "ada.toml").read_text(encoding="utf-8")
    lines = [
        line.removeprefix("# ")
        for line in text.splitlines()
        if not line.startswith(("# system_prompt_file", "# user", "# Ada", "# `hearth"))
    ]
    (tmp_path / "ada.toml").write_text("\n".join(lines), encoding="utf-8")
    environ = {"ADA_BOT_KEY": ADA_KEY, "ADA_SECRET": "x" * 16, "NOTES_TOKEN": "y"}
    reading = read_bots(tmp_path, environ=environ, settings=settings)
    assert [str(mistake) for mistake in reading.mistakes] == []
    assert [server.name for server in reading.bots["ada"].agent.mcp_servers] == ["notes"]
