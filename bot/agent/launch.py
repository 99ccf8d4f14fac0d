"""How a child process is started: an environment built from nothing, and a death of its own.

The SDK merges our environment over that of the server, and an option can add to it but not take
away. So it starts a script instead of the child: ``env -u`` drops every inherited name that is not
ours (names only: a value would be readable in the argument list), ``setsid`` keeps a terminal's
Ctrl-C from reaching a turn that is being drained, and ``setpriv`` makes the kernel end the child
with the server, kill -9 included: a child in a turn would go on for as long as the turn does.
"""

import os
import pwd
import shlex
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import claude_agent_sdk

from bot.agent.folders import AgentFolders
from bot.config.bot import Bot
from bot.config.settings import AgentAccess

_UNSET = "HEARTH_UNSET"
_CHILD = "HEARTH_CHILD"
_AS = "HEARTH_AS"
# `eval`, because the names are quoted for the shell: a name may hold whatever its value may.
_SCRIPT = """#!/bin/sh
eval "exec env ${unset} {prefix}\\"\\${child}\\" \\"\\$@\\""
"""
_TOOLS = (("setsid", ""), ("setpriv", f"--pdeathsig KILL ${{{_AS}}} -- "))
_PATH = "/usr/local/bin:/usr/bin:/bin"
#: The SDK sets these after us, whatever the server's own environment says.
_OF_THE_SDK = frozenset({"CLAUDE_AGENT_SDK_VERSION", "PWD"})
#: Used by the script, or added by the shell that reads it.
_OF_THE_SCRIPT = (_UNSET, _CHILD, _AS, "_", "OLDPWD", "SHLVL")
#: Retries inside the child; its own default of ten keeps a room waiting for two minutes.
_MODEL_RETRIES = 3


def bundled_child() -> Path:
    """Return the program that the SDK's wheel brings."""
    return Path(claude_agent_sdk.__file__).parent / "_bundled" / "claude"


def write_launcher(folders: AgentFolders) -> None:
    """Write the start script, for this machine's tools.

    Raises OSError when the session cache cannot be written.
    """
    found = ((shutil.which(tool), flags) for tool, flags in _TOOLS)
    prefix = "".join(f"{shlex.quote(path)} {flags}" for path, flags in found if path)
    script = (
        _SCRIPT.replace("{unset}", _UNSET).replace("{child}", _CHILD).replace("{prefix}", prefix)
    )
    folders.launcher.parent.mkdir(parents=True, exist_ok=True)
    fresh = folders.launcher.with_suffix(".new")
    fresh.write_text(script)
    fresh.chmod(0o755)
    fresh.replace(folders.launcher)


def child_environment(
    bot: Bot, access: AgentAccess, folders: AgentFolders, inherited: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return what the SDK is to set, so that a child of *bot* gets this and nothing else."""
    config = str(folders.config(bot.id))
    own = {
        "PATH": _PATH,
        "HOME": config,
        "LANG": "C.UTF-8",
        "TMPDIR": inherited.get("TMPDIR", "/tmp"),  # noqa: S108 - where the child puts its sockets
        "CLAUDE_CONFIG_DIR": config,
        # What people gave the agent to look at stays in the cache, and goes with its session.
        "CLAUDE_CODE_TMPDIR": str(folders.scratch(bot.id)),
        # As the SDK sets them, which leaves them alone when the server was started by a child.
        "CLAUDE_CODE_ENTRYPOINT": "sdk-py",
        "CLAUDE_CODE_SDK_READS_SESSION_STATE": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_DISABLE_FILE_MENTIONS": "1",
        "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1",
        "CLAUDE_CODE_MAX_RETRIES": str(_MODEL_RETRIES),
        "DISABLE_TELEMETRY": "1",
        "DISABLE_AUTOUPDATER": "1",
        **access.environment(),
    }
    if bot.agent.max_output_tokens is not None:
        own["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] = str(bot.agent.max_output_tokens)
    foreign = [name for name in inherited if name not in own and name not in _OF_THE_SDK]
    return {**own, **_for_the_script(bundled_child(), foreign), _AS: other_user(bot)}


def other_user(bot: Bot) -> str:
    """Return how `setpriv` makes a child of *bot* another user's; "": it cannot, or need not.

    The SDK changes the user alone, and leaves the child in all groups of the server.
    """
    if bot.agent.user is None or shutil.which("setpriv") is None:
        return ""
    try:
        user = pwd.getpwnam(bot.agent.user)
    except KeyError:
        return ""  # said when its folders are given to it
    return f"--reuid={user.pw_uid} --regid={user.pw_gid} --init-groups"


def bare_environment(folders: AgentFolders, child: Path) -> dict[str, str]:
    """Return what *child* needs when it is started only to be looked at."""
    home = str(folders.launcher.parent)
    return {"PATH": _PATH, "HOME": home, **_for_the_script(child, ()), _AS: ""}


def _for_the_script(child: Path, foreign: Iterable[str]) -> dict[str, str]:
    # No program can take out an entry without a name; shells drop those by themselves.
    names = [name for name in (*foreign, *_OF_THE_SCRIPT) if name]
    return {_CHILD: str(child), _UNSET: " ".join(f"-u {shlex.quote(name)}" for name in names)}
