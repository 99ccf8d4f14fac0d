"""The launcher, run by real shells in front of a program that shows its environment."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bot.agent import launch
from bot.agent.folders import AgentFolders
from bot.agent.launch import bare_environment, child_environment, write_launcher
from bot.config.settings import AgentAccess
from tests.agent.bots import ADA, ada

ACCESS = AgentAccess(api_key="sk-the-key", base_url="http://127.0.0.1:1")
SHELLS = [shell for shell in ("sh", "dash", "bash") if shutil.which(shell)]
ODD = {
    "SPACED": "two words",
    "LINES": "one\ntwo\nPATH=/evil\n-u HOME",
    "BASH_FUNC_x%%": "() { echo x\n}",
    "with space": "x",
    "with\nnewline": "x",
    "*": "x",
    "-i": "x",
    "$(id)": "x",
    "`id`": "x",
    "it's": "x",
    "; exit 3 #": "x",
    "ünïcode": "x",
    "EMPTY": "",
    "HEARTH_UNSET": "-u PATH",
    "HEARTH_CHILD": "/bin/false",
    "CLAUDECODE": "1",
    "CLAUDE_CODE_ENTRYPOINT": "cli",
    "CLAUDE_CODE_SDK_READS_SESSION_STATE": "0",
    "PWD": "/elsewhere",
    "OLDPWD": "/before",
    "SHLVL": "7",
    "_": "/usr/bin/env",
}


def seen_by_child(
    folders: AgentFolders, inherited: dict[str, str], shell: str = "sh"
) -> dict[str, str]:
    """Start the launcher as the SDK would, and return what its child finds."""
    env = shutil.which("env") or ""
    ours = child_environment(ADA, ACCESS, folders, inherited) | {"HEARTH_CHILD": env}
    merged = {**inherited, **ours, "CLAUDE_AGENT_SDK_VERSION": "0", "PWD": str(folders.root)}
    command = [shutil.which(shell) or "", str(folders.launcher), "-0"]
    found = subprocess.run(command, env=merged, cwd=folders.root, capture_output=True, check=True)  # noqa: S603 - a fixed command
    return dict(entry.split("=", 1) for entry in found.stdout.decode().split("\0") if entry)


@pytest.mark.parametrize("shell", SHELLS)
def test_no_foreign_name_reaches_the_child(folders: AgentFolders, shell: str) -> None:
    """Whatever the server's environment holds, however it is spelled, stays there."""
    many = {f"A_RATHER_LONG_NAME_OF_A_VARIABLE_{number}": "x" for number in range(1000)}
    alone = seen_by_child(folders, {}, shell)
    among_others = seen_by_child(folders, ODD | many, shell)
    assert among_others == alone
    assert set(alone) == {
        *child_environment(ADA, ACCESS, folders, {}),
        "CLAUDE_AGENT_SDK_VERSION",
        "PWD",
    } - {"HEARTH_UNSET", "HEARTH_CHILD", "HEARTH_AS"}


def test_name_that_is_empty_is_passed_over(folders: AgentFolders) -> None:
    """No program could take it out; asked to, it would not start the child."""
    assert "''" not in child_environment(ADA, ACCESS, folders, {"": "x", "A": "x"})["HEARTH_UNSET"]


def test_values_never_become_arguments(folders: AgentFolders) -> None:
    """What is taken out is named to `env`; what it holds would be readable by everybody."""
    found = child_environment(ADA, ACCESS, folders, {"TOKEN": "hush"})
    assert "TOKEN" in found["HEARTH_UNSET"]
    assert "hush" not in str(found)


def test_launcher_holds_no_secret(folders: AgentFolders) -> None:
    """The script is the same for all bots; keys go through the environment."""
    assert "sk-" not in folders.launcher.read_text()
    assert os.access(folders.launcher, os.X_OK)


def test_launcher_does_without_tools_that_are_not_there(
    monkeypatch: pytest.MonkeyPatch, folders: AgentFolders
) -> None:
    """Without setsid and setpriv, as on macOS, the child is started all the same."""
    monkeypatch.setattr(launch, "_TOOLS", (("no-such-tool", "--at-all "),))
    write_launcher(folders)
    assert "no-such-tool" not in folders.launcher.read_text()
    assert seen_by_child(folders, {})["HOME"] == str(folders.config("ada"))


def test_path_of_a_tool_may_hold_spaces(
    monkeypatch: pytest.MonkeyPatch, folders: AgentFolders, tmp_path: Path
) -> None:
    """Tools are found on the server's PATH, which is not the child's."""
    (tmp_path / "my tools").mkdir()
    tool = tmp_path / "my tools" / "wrap"
    tool.write_text('#!/bin/sh\nexec "$@"\n')
    tool.chmod(0o755)
    monkeypatch.setattr(launch, "_TOOLS", (("wrap", ""),))
    monkeypatch.setattr(launch.shutil, "which", lambda _name: str(tool))
    write_launcher(folders)
    monkeypatch.undo()
    assert seen_by_child(folders, {})["LANG"] == "C.UTF-8"


def test_access_is_what_reaches_the_model(folders: AgentFolders) -> None:
    """Key, token and address go to the child, as far as they are set."""
    found = child_environment(ADA, ACCESS, folders, {})
    assert found["ANTHROPIC_API_KEY"] == "sk-the-key"
    assert "CLAUDE_CODE_OAUTH_TOKEN" not in found


def test_limit_of_an_answer_is_the_bots(folders: AgentFolders) -> None:
    """Tokens of an answer are limited in the environment, where the child reads it."""
    bot = ada(max_output_tokens=500)
    found = child_environment(bot, ACCESS, folders, {})
    assert found["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] == "500"
    assert "CLAUDE_CODE_MAX_OUTPUT_TOKENS" not in child_environment(ADA, ACCESS, folders, {})


def test_config_folder_is_the_bots_own(folders: AgentFolders) -> None:
    """Memory and damage of one bot never reach another."""
    bo = replace(ADA, id="bo")
    homes = [child_environment(bot, ACCESS, folders, {})["CLAUDE_CONFIG_DIR"] for bot in (ADA, bo)]
    assert homes == [str(folders.root / "agent" / name) for name in ("ada", "bo")]


def test_look_at_a_child_needs_little(folders: AgentFolders) -> None:
    """The check at the start gives no key to the child it looks at."""
    found = bare_environment(folders, Path("/the/child"))
    assert set(found) == {"PATH", "HOME", "HEARTH_CHILD", "HEARTH_UNSET"}
