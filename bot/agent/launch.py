"""How a child process is started: an environment built from nothing, and a death of its own.

The SDK merges our environment over that of the server, and an option can add to it but not take
away. So it starts a script instead of the child: ``env -u`` drops every inherited name that is not
ours (names only: a value would be readable in the argument list), ``setsid`` keeps a terminal's
Ctrl-C from reaching a turn that is being drained, and ``setpriv`` makes the kernel end the child
with the server, kill -9 included: a child in a turn would go on for as long as the turn does.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import claude_agent_sdk

from bot.agent.folders import AgentFolders
from bot.config.bot import Bot
from bot.config.settings import AgentAccess

_UNSET = "HEARTH_UNSET"
_CHILD = "HEARTH_CHILD"
_SCRIPT = """#!/bin/sh
IFS='
'
exec env ${unset} {prefix}"${child}" "$@"
"""
#: Retries inside the child; its own default of ten keeps a room waiting for two minutes.
_MODEL_RETRIES = 3


def bundled_child() -> Path:
    """Return the program that the SDK's wheel brings."""
    return Path(claude_agent_sdk.__file__).parent / "_bundled" / "claude"


def write_launcher(folders: AgentFolders) -> None:
    """Write the start script, for this machine's tools.

    Raises OSError when the session cache cannot be written.
    """
    prefix = "".join(
        f"{tool} {flags} ".replace("  ", " ")
        for tool, flags in (("setsid", ""), ("setpriv", "--pdeathsig KILL --"))
        if shutil.which(tool)
    )
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
    """Return what the SDK is to set, so that the child gets this and nothing else.

    The names that the SDK itself adds (``CLAUDE_CODE_ENTRYPOINT`` and the like) remain: it sets
    them after us.
    """
    config = str(folders.config(bot.id))
    own = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": config,
        "LANG": "C.UTF-8",
        "TMPDIR": inherited.get("TMPDIR", "/tmp"),  # noqa: S108 - where the child puts its sockets
        "CLAUDE_CONFIG_DIR": config,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_DISABLE_FILE_MENTIONS": "1",
        "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1",
        "CLAUDE_CODE_MAX_RETRIES": str(_MODEL_RETRIES),
        "DISABLE_TELEMETRY": "1",
        "DISABLE_AUTOUPDATER": "1",
        _CHILD: str(bundled_child()),
        **access.environment(),
    }
    if bot.agent.max_output_tokens is not None:
        own["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] = str(bot.agent.max_output_tokens)
    foreign = [name for name in inherited if name not in own]
    own[_UNSET] = "\n".join(part for name in [*foreign, _UNSET, _CHILD] for part in ("-u", name))
    return own
