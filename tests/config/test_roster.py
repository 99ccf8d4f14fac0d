"""Reloading: who is added, changed, removed, and who stays because a file is broken."""

from pathlib import Path

import pytest

from bot.config.roster import Reload, Roster
from bot.config.settings import Settings
from tests.config.conftest import ADA, BO, ENVIRON


@pytest.fixture
def roster(folder: Path, settings: Settings) -> Roster:
    """Give a roster that serves Ada and Bo."""
    (folder / "ada.toml").write_text(ADA)
    (folder / "bo.toml").write_text(BO)
    roster = Roster(folder, environ=dict(ENVIRON), settings=settings)
    roster.reload()
    return roster


def edit(path: Path, old: str, new: str) -> None:
    """Change a file as its operator would."""
    path.write_text(path.read_text().replace(old, new))


def test_a_roster_is_empty_until_it_is_loaded(folder: Path, settings: Settings) -> None:
    """Making one reads nothing."""
    (folder / "ada.toml").write_text(ADA)
    roster = Roster(folder, environ=ENVIRON, settings=settings)
    assert roster.bots == roster.retiring == {}
    assert roster.mistakes == roster.warnings == ()
    assert roster.prompt_files == frozenset()
    assert roster.reload().added == ("ada",)
    assert list(roster.bots) == ["ada"]


def test_nothing_changed(roster: Roster) -> None:
    """The same files give the same bots, and nobody is told."""
    told: list[Reload] = []
    roster.on_change(told.append)
    before = roster.get("ada")
    reload = roster.reload()
    assert not reload.changes_anything
    assert (reload.added, reload.changed, reload.removed) == ((), (), ())
    assert roster.get("ada") == before
    assert told == []


def test_a_new_file_is_served(roster: Roster, folder: Path) -> None:
    """Its bot takes deliveries from the reload on."""
    assert roster.get("cy") is None
    text = ADA.replace("Ada", "Cy").replace('{ env = "ADA_BOT_KEY" }', '"9-AbCdEfGhIjKl"')
    (folder / "cy.toml").write_text(text)
    reload = roster.reload()
    assert (reload.added, reload.changed, reload.removed) == (("cy",), (), ())
    cy = roster.get("cy")
    assert cy is not None
    assert cy.name == "Cy"


def test_a_changed_file_is_served_as_it_is_now(roster: Roster, folder: Path) -> None:
    """Deliveries and turns get the new version; the other bot is the same one."""
    bo = roster.get("bo")
    edit(folder / "ada.toml", "claude-sonnet-4-5", "claude-haiku-4-5")
    assert roster.reload().changed == ("ada",)
    ada = roster.get("ada")
    assert ada is not None
    assert ada.model == "claude-haiku-4-5"
    assert ada is roster.serving("ada")
    assert roster.get("bo") == bo


def test_a_snapshot_stays_what_it_was(roster: Roster, folder: Path) -> None:
    """Who holds the bots of one moment does not see them change."""
    before = roster.bots
    (folder / "bo.toml").unlink()
    roster.reload()
    assert list(before) == ["ada", "bo"]
    assert list(roster.bots) == ["ada"]


def test_a_broken_file_keeps_its_last_good_version(roster: Roster, folder: Path) -> None:
    """Ada goes on as she was, the mistake is told, and mending it is a change."""
    good = roster.get("ada")
    edit(folder / "ada.toml", "model =", "modle =")
    reload = roster.reload()
    assert not reload.changes_anything
    assert [str(mistake) for mistake in reload.mistakes] == [
        'bots.d/ada.toml: model is missing: add for example model = "claude-sonnet-4-5"',
        'bots.d/ada.toml:4: unknown key "modle" (did you mean "model"?)',
    ]
    assert reload.mistakes == roster.mistakes
    assert roster.get("ada") is good
    edit(folder / "ada.toml", "modle =", "model =")
    edit(folder / "ada.toml", "release notes", "minutes")
    reload = roster.reload()
    assert (reload.changed, reload.mistakes, roster.mistakes) == (("ada",), (), ())


def test_a_new_file_that_is_broken_is_not_served(roster: Roster, folder: Path) -> None:
    """There is no good version to fall back to."""
    (folder / "cy.toml").write_text("name = ")
    assert len(roster.reload().mistakes) == 1
    assert roster.get("cy") is roster.serving("cy") is None


def test_a_key_that_is_taken_does_not_push_its_holder_out(roster: Roster, folder: Path) -> None:
    """Bo keeps his last good version when a new bot comes with his key."""
    (folder / "cy.toml").write_text(BO.replace("Bo", "Cy"))
    reload = roster.reload()
    assert not reload.changes_anything
    assert len(reload.mistakes) == 2
    assert list(roster.bots) == ["ada", "bo"]


def test_a_removed_file_takes_no_deliveries_and_finishes_its_turns(
    roster: Roster, folder: Path
) -> None:
    """The last version serves turns until the rooms say that nothing is owed."""
    bo = roster.get("bo")
    (folder / "bo.toml").unlink()
    assert roster.reload().removed == ("bo",)
    assert roster.get("bo") is None
    assert roster.serving("bo") is bo
    assert list(roster.retiring) == ["bo"]
    roster.reload()
    assert roster.serving("bo") is bo
    roster.drop("bo")
    assert roster.serving("bo") is None
    assert roster.retiring == {}


def test_dropping_touches_only_who_retires(roster: Roster) -> None:
    """A bot that came back meanwhile, or was never there, is not affected."""
    roster.drop("ada")
    roster.drop("nobody")
    assert roster.get("ada") is roster.serving("ada") is not None


def test_a_file_that_comes_back_is_served_again(roster: Roster, folder: Path) -> None:
    """The bot does not retire any more, and its turns get the new version."""
    (folder / "bo.toml").unlink()
    roster.reload()
    (folder / "bo.toml").write_text(BO.replace("sonnet", "haiku"))
    assert roster.reload().added == ("bo",)
    assert roster.retiring == {}
    assert roster.get("bo") is roster.serving("bo") is not None


def test_a_file_that_comes_back_broken_goes_on_retiring(roster: Roster, folder: Path) -> None:
    """What is owed is still answered by the last good version; no delivery is taken."""
    bo = roster.get("bo")
    (folder / "bo.toml").unlink()
    roster.reload()
    (folder / "bo.toml").write_text("name = ")
    roster.reload()
    assert roster.get("bo") is None
    assert roster.serving("bo") is bo


def test_a_broken_file_that_is_removed_retires(roster: Roster, folder: Path) -> None:
    """Removing is removing, whatever the file said last."""
    (folder / "bo.toml").write_text("name = ")
    roster.reload()
    (folder / "bo.toml").unlink()
    assert roster.reload().removed == ("bo",)
    assert list(roster.retiring) == ["bo"]


def test_a_change_of_format_is_no_change(roster: Roster, folder: Path) -> None:
    """A bot is what its file says, not how it is written."""
    (folder / "bo.toml").unlink()
    (folder / "bo.json").write_text(
        '{"name": "Bo", "platform": "campfire", "key": {"env": "BO_BOT_KEY"},'
        ' "model": "claude-sonnet-4-5",'
        ' "system_prompt": "You are Bo, who keeps the release notes."}'
    )
    assert not roster.reload().changes_anything


def test_without_the_folder_everybody_goes_on(roster: Roster, folder: Path) -> None:
    """A folder that is gone says nothing of any bot; when it is back, it counts again."""
    folder.rename("aside")
    reload = roster.reload()
    assert not reload.changes_anything
    assert len(reload.mistakes) == 1
    assert list(roster.bots) == ["ada", "bo"]
    folder.mkdir()
    (folder / "ada.toml").write_text(ADA)
    assert roster.reload().removed == ("bo",)


def test_secrets_are_looked_up_again(folder: Path, settings: Settings) -> None:
    """A new key in a file elsewhere counts from the next reload on."""
    Path("key.txt").write_text("7-AbCdEfGhIjKl\n")
    (folder / "ada.toml").write_text(
        ADA.replace('{ env = "ADA_BOT_KEY" }', '{ file = "../key.txt" }')
    )
    roster = Roster(folder, environ={}, settings=settings)
    roster.reload()
    Path("key.txt").write_text("7-ZyXwVuTsRqPo\n")
    assert roster.reload().changed == ("ada",)
    ada = roster.get("ada")
    assert ada is not None
    assert ada.credentials.key == "7-ZyXwVuTsRqPo"


def test_subscribers_are_told_after_the_swap(roster: Roster, folder: Path) -> None:
    """They see the new bots, and hear nothing any more once they have left."""
    told: list[tuple[Reload, list[str]]] = []
    leave = roster.on_change(lambda reload: told.append((reload, list(roster.bots))))
    (folder / "bo.toml").unlink()
    reload = roster.reload()
    assert told == [(reload, ["ada"])]
    leave()
    (folder / "bo.toml").write_text(BO)
    roster.reload()
    assert len(told) == 1
