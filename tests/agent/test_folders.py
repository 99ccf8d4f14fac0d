"""What is put in place for a child, for whom, and what is never removed."""

import os
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.agent.agent import Agent
from bot.agent.folders import AgentFolders
from bot.config.bot import McpServer
from bot.config.settings import AgentAccess
from bot.errors import AgentStartFailed
from tests.agent.bots import ADA, ada

SESSION = "5c6ad9c2-4bd9-4c46-bd0b-f8b1cbbf9c0d"
NOTES = McpServer(name="notes", transport="stdio", command="notes-mcp", env=(("T", "hush"),))


def test_folders_are_the_owners_alone(folders: AgentFolders) -> None:
    """Transcripts are what people said: nobody else on the machine reads them."""
    folders.prepare(ADA, SESSION)
    made = (folders.config("ada"), folders.work("ada", SESSION))
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in made] == [0o700, 0o700]


def test_servers_are_written_for_the_owner_alone(folders: AgentFolders) -> None:
    """The file that may hold secrets is never readable by others, whatever the umask is."""
    before = os.umask(0)
    try:
        folders.prepare(ada(mcp_servers=(NOTES,)), SESSION)
    finally:
        os.umask(before)
    assert stat.S_IMODE(folders.mcp("ada").stat().st_mode) == 0o600
    assert "hush" in folders.mcp("ada").read_text()


def test_secrets_do_not_outlive_their_servers(folders: AgentFolders) -> None:
    """A bot without servers leaves no file of earlier ones behind."""
    folders.prepare(ada(mcp_servers=(NOTES,)), SESSION)
    folders.prepare(ADA, SESSION)
    assert not list(folders.root.rglob("*mcp*"))


def test_children_that_start_together_find_whole_files(folders: AgentFolders) -> None:
    """Every start writes the servers anew, side by side, and leaves nothing half-written."""
    bot = ada(mcp_servers=(NOTES,))
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: folders.prepare(bot, SESSION), range(50)))
    assert [path.name for path in folders.root.rglob("*mcp*")] == ["ada.mcp.json"]


def test_all_that_the_child_needs_is_its_users(
    monkeypatch: pytest.MonkeyPatch, folders: AgentFolders
) -> None:
    """A child that runs as another user can enter its folders and read its servers."""
    given: list[tuple[str, str]] = []
    monkeypatch.setattr(shutil, "chown", lambda path, user: given.append((path.name, user)))
    folders.prepare(ada(mcp_servers=(NOTES,), user="hearth-child"), SESSION)
    assert {user for _, user in given} == {"hearth-child"}
    config, scratch, work, servers = (name for name, _ in given)
    assert (config, scratch, work) == ("ada", "tmp", SESSION)
    assert servers.startswith(".ada.mcp.json")


def test_unknown_user_is_named(folders: AgentFolders) -> None:
    """A user that is not there is the operator's mistake, said with its key."""
    with pytest.raises(AgentStartFailed, match=r'\[agent\] user "nobody-here" does not exist'):
        folders.prepare(ada(user="nobody-here"), SESSION)


@pytest.mark.parametrize("name", ["..", ".", "../../kept", "a title", "/", SESSION[:-1]])
async def test_only_sessions_of_ours_are_forgotten(tmp_path: Path, name: str) -> None:
    """An id from a foreign session file is not taken for a path."""
    kept = tmp_path / "kept" / "file"
    kept.parent.mkdir()
    kept.write_text("x")
    folders = AgentFolders(root=tmp_path)
    folders.prepare(ADA, SESSION)
    await Agent(AgentAccess(api_key="sk-x"), folders).forget("ada", name)
    assert kept.exists()
    assert folders.work("ada", SESSION).exists()


async def test_folders_of_spares_that_a_crash_left_are_removed(folders: AgentFolders) -> None:
    """Empty ones of sessions that nobody knows; what holds anything stays, whosever it is."""
    unknown, used = (f"{digit}" * 8 + SESSION[8:] for digit in "12")
    for session in (SESSION, unknown, used):
        folders.prepare(ADA, session)
    (folders.work("ada", used) / "notes.txt").write_text("the tea is cold")
    (folders.root / "work" / "ada" / "not-a-session").mkdir()
    await Agent(AgentAccess(), folders).tidy([SESSION])
    left = {path.name for path in (folders.root / "work" / "ada").iterdir()}
    assert left == {SESSION, used, "not-a-session"}


async def test_nothing_is_tidied_up_where_nothing_is(tmp_path: Path) -> None:
    """A first start has no folders yet."""
    await Agent(AgentAccess(), AgentFolders(root=tmp_path)).tidy([])


async def test_what_was_set_apart_goes_at_the_start(folders: AgentFolders) -> None:
    """A session that nobody was to keep, and a crash left behind, is removed as a whole."""
    apart = folders.set_apart(SESSION)
    apart.prepare(ADA, SESSION)
    (apart.work("ada", SESSION) / "notes.txt").write_text("the tea is cold")
    folders.prepare(ADA, SESSION)
    await Agent(AgentAccess(), folders).tidy([SESSION])
    assert not apart.config("ada").exists()
    assert folders.config("ada").exists()
    assert folders.work("ada", SESSION).exists()


def test_folders_set_apart_are_no_bots(folders: AgentFolders) -> None:
    """They stand among those of the bots, whose orphans are found there, under a name of none."""
    apart = folders.set_apart(SESSION)
    assert apart.config("ada").parent == folders.config("ada").parent
    assert "." in apart.config("ada").name
    assert apart.launcher == folders.launcher
