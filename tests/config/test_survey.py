from pathlib import Path

from bot.config.survey import survey

FILE = """\
name = "Ada"
platform = "campfire"
key = "7-AbCdEfGhIjKl"
modle = "claude-sonnet-4-5"
system_prompt = "You are Ada."
"""


def environ(folder: Path, **more: str) -> dict[str, str]:
    """Return settings that are right, and *more*."""
    right = {"HEARTH_BOTS_DIR": str(folder), "HEARTH_CAMPFIRE_URL": "https://chat.example"}
    return right | more


def test_all_is_right(tmp_path: Path) -> None:
    """Settings, bots and warnings come together."""
    (tmp_path / "ada.toml").write_text(FILE.replace("modle", "model"))
    found = survey(environ(tmp_path, HEARTH_PORT="8001"))
    assert (found.settings.port, list(found.reading.bots), found.mistakes) == (8001, ["ada"], ())
    assert len(found.reading.warnings) == 1


def test_wrong_settings_do_not_hide_wrong_files(tmp_path: Path) -> None:
    """The settings' mistakes come first; the other settings count while the files are read."""
    (tmp_path / "ada.toml").write_text(FILE)
    found = survey(environ(tmp_path, HEARTH_PORT="99999", HEARTH_GRASE="1s", HEARTH_GRACE="9s"))
    assert (found.settings.port, found.settings.grace_s) == (8000, 9)
    assert [mistake.where for mistake in found.mistakes] == [
        "HEARTH_GRASE",
        "HEARTH_PORT",
        *[str(tmp_path / "ada.toml")] * 2,
    ]


def test_a_wrong_address_is_not_called_missing(tmp_path: Path) -> None:
    """One mistake, one line: it names the setting, and no bot is blamed for it."""
    (tmp_path / "ada.toml").write_text(FILE.replace("modle", "model"))
    found = survey(environ(tmp_path, HEARTH_CAMPFIRE_URL="chat.example"))
    assert [mistake.where for mistake in found.mistakes] == ["HEARTH_CAMPFIRE_URL"]
    assert not found.reading.bots
