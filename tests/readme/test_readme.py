"""What README says is so."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli.commands import app
from bot.config.bot_file import BotFile
from bot.config.settings import settings_table

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_settings_table_is_complete() -> None:
    """README lists every setting with its default and meaning, in the order of the code."""
    rows = [
        f"| `{row.name}` | {f'`{row.default}`' if row.default else ''} | {row.meaning} |"
        for row in settings_table()
    ]
    found = README.split("| variable | default | meaning |\n|---|---|---|\n")[1].split("\n\n")[0]
    assert found.splitlines() == rows


def test_the_code_map_is_complete() -> None:
    """Every module and package of the top is on the map, and nothing else."""
    mapped = set(re.findall(r"^\| `bot/([a-z_]+)(?:\.py|/)` \|", README, re.MULTILINE))
    top = [path for path in (ROOT / "bot").iterdir() if not path.name.startswith("__")]
    assert mapped == {path.stem for path in top if path.is_dir() or path.suffix == ".py"}


def test_the_bot_file_is_right() -> None:
    """The example bot file is one that Hearth takes."""
    text = re.search(r"```toml\n(.*?)```", README, re.DOTALL)
    assert text is not None
    lines = "\n".join(line.strip() for line in text[1].splitlines())
    assert set(tomllib.loads(lines)) <= set(BotFile.model_fields)


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`?hearth ([a-z-]+)", README))))
def test_the_commands_are_there(command: str) -> None:
    """Every command that README names can be asked for its help."""
    assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0


@pytest.mark.parametrize("words", [[], ["dead-letters"]])
def test_the_help_is_whole(words: list[str]) -> None:
    """On a terminal of 80 characters no command's description is cut."""
    shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "80"})
    assert shown.exit_code == 0
    assert not re.search(r"\w\.\.\.", shown.output)


def test_the_version() -> None:
    """What somebody reports a bug with: our version, and that of the agent."""
    shown = CliRunner().invoke(app, ["--version"])
    assert (shown.exit_code, shown.output) == (
        0,
        f"hearth {version('hearth')}, claude-agent-sdk {version('claude-agent-sdk')}\n",
    )


def test_the_routes_are_there() -> None:
    """Every route of the table is one that the server has."""
    routes = set(re.findall(r"^\| `(?:GET|POST) (/(?!webhook)[^`]+)` \|", README, re.MULTILINE))
    pages = (ROOT / "bot" / "operate" / "pages.py").read_text(encoding="utf-8")
    assert routes == set(re.findall(r'Route\("([^"]+)"', pages))


@pytest.mark.parametrize("link", re.findall(r"\]\(([A-Za-z.][^):]*)\)", README))
def test_the_links_lead_somewhere(link: str) -> None:
    """A file that README links to is there."""
    assert (ROOT / link).exists()
