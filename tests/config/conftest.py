"""A folder with bot files, under the name that the operator gives it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.config.bots_dir import Reading, read_bots
from bot.config.settings import Settings, load_settings

ADA_KEY = "7-AbCdEfGhIjKl"
BO_KEY = "8-MnOpQrStUvWx"
ENVIRON = {"ADA_BOT_KEY": ADA_KEY, "BO_BOT_KEY": BO_KEY, "EMPTY": " "}

ADA = """\
name = "Ada"
platform = "campfire"
key = { env = "ADA_BOT_KEY" }
model = "claude-sonnet-4-5"
system_prompt = "You are Ada, who keeps the release notes."
"""
BO = ADA.replace("Ada", "Bo").replace("ADA", "BO")

Read = Callable[[], Reading]


@pytest.fixture
def settings() -> Settings:
    """Give settings as an operator with a Campfire has them."""
    return load_settings({"HEARTH_CAMPFIRE_URL": "https://chat.example.com"})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty ``bots.d`` in the current folder, so that mistakes name it as users see it."""
    monkeypatch.chdir(tmp_path)
    bots_dir = Path("bots.d")
    bots_dir.mkdir()
    return bots_dir


@pytest.fixture
def read(folder: Path, settings: Settings) -> Read:
    """Read the folder with the environment that the examples expect."""
    return lambda: read_bots(folder, environ=ENVIRON, settings=settings)
