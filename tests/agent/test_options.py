"""The options of a child, each with the reason for which it must not get lost."""

from pathlib import Path
from typing import Any

import pytest

from bot.agent.compaction import Compaction
from bot.agent.folders import AgentFolders
from bot.agent.options import agent_options
from bot.agent.preamble import instructions
from bot.agent.start import Fresh, Orphan, Resume, Start, Unkept
from bot.config.bot import Bot, McpServer
from bot.config.settings import AgentAccess
from tests.agent.bots import ADA, ada

SESSION = "5c6ad9c2-4bd9-4c46-bd0b-f8b1cbbf9c0d"
KEY = AgentAccess(api_key="sk-the-key")
TOKEN = AgentAccess(oauth_token="the-token")
NOTES = McpServer(name="notes", transport="stdio", command="notes-mcp", env=(("T", "hush"),))

REASONS: dict[str, tuple[Any, str]] = {
    "setting_sources": ([], "CLAUDE.md, hooks and .mcp.json of a folder would be read and run"),
    "strict_mcp_config": (True, "servers of the machine's settings would be started"),
    "verbatim_prompts": (True, "@file in a room would be read, /clear would wipe the memory"),
    "tools": ([], "the built-in tools read files and run commands"),
    "allowed_tools": ([], "nothing is allowed that is not listed"),
    "permission_mode": ("dontAsk", "nobody is there to be asked: deny"),
    "include_partial_messages": (True, "without it nothing tells when the first token came"),
    "max_buffer_size": (16 * 2**20, "an answer of 1 MiB in a line would wedge the client"),
    "system_prompt": (
        {"type": "custom", "prompt": instructions(ADA), "snapshot": False},
        "a snapshot would keep the first persona for the whole life of a session",
    ),
    "thinking": ({"type": "disabled"}, "the child's default thinks with 31,999 tokens"),
    "effort": (None, "off means off"),
    "max_turns": (20, "a loop of tool calls has to end"),
    "model": (ADA.model, "as the bot file says"),
    "mcp_servers": ({}, "external servers go through a file: arguments can be read by everybody"),
    "continue_conversation": (False, "the last session of a folder may be another room's"),
    "user": (None, "the server's own, unless the bot file says otherwise"),
}


def options(bot: Bot = ADA, start: Start | None = None, access: AgentAccess = KEY) -> Any:
    """Return the options of a child."""
    return agent_options(
        bot,
        start or Fresh(session_id=SESSION),
        access=access,
        folders=AgentFolders(root=Path("/state")),
        stderr=lambda _line: None,
    )


@pytest.mark.parametrize("name", REASONS)
def test_option_is_as_measured(name: str) -> None:
    """Each option of the measured set is there; the table has the reason."""
    value, reason = REASONS[name]
    assert getattr(options(), name) == value, reason


def test_child_is_started_by_the_launcher() -> None:
    """Only the script builds an environment from nothing, and has the child die with us."""
    assert options().cli_path == Path("/state/agent/launch")


def test_working_directory_is_the_sessions_own() -> None:
    """It stays the same for the life of the session, and no other session shares it."""
    assert options().cwd == Path(f"/state/work/ada/{SESSION}")


@pytest.mark.parametrize(("access", "bare"), [(KEY, True), (TOKEN, False)])
def test_bare_needs_a_key(access: AgentAccess, *, bare: bool) -> None:
    """`--bare` reads no OAuth token; without it auto-memory is switched off another way."""
    found = options(access=access)
    assert ("bare" in found.extra_args) is bare
    assert "disable-slash-commands" in found.extra_args
    assert found.env["CLAUDE_CODE_DISABLE_AUTO_MEMORY"] == "1"


@pytest.mark.parametrize(("tools", "bare"), [(("Read", "Bash"), True), (("Read", "Write"), False)])
def test_bare_leaves_few_tools(tools: tuple[str, ...], *, bare: bool) -> None:
    """A bot that is to have others gets them."""
    assert ("bare" in options(ada(tools=tools)).extra_args) is bare


def test_fresh_session_has_our_id() -> None:
    """The id is known, and in the session file, before the child starts."""
    found = options()
    assert (found.session_id, found.resume) == (SESSION, None)


def test_resumed_session_keeps_its_id() -> None:
    """Resuming takes the id alone: both at once are refused by the child."""
    found = options(start=Resume(session_id=SESSION))
    assert (found.session_id, found.resume, found.resume_session_at) == (None, SESSION, None)


def test_orphan_is_dropped_on_resume() -> None:
    """The child goes back to the entry before the prompt that got no answer."""
    orphan = Orphan(prompt_uuid="the-prompt", after="the-entry-before")
    found = options(start=Resume(session_id=SESSION, orphan=orphan))
    assert (found.resume_session_at, found.resume_drops_turn) == ("the-entry-before", "the-prompt")


def test_thinking_is_a_level() -> None:
    """Anything but off lets the model decide how much, at that effort."""
    found = options(ada(thinking="medium"))
    assert (found.effort, found.thinking) == ("medium", {"type": "adaptive"})


def test_external_servers_are_named_by_file_and_allowed() -> None:
    """Their entry stands in a file; none of it is in the arguments."""
    found = options(ada(mcp_servers=(NOTES,)))
    assert found.extra_args["mcp-config"] == "/state/agent/ada.mcp.json"
    assert found.allowed_tools == ["mcp__notes"]
    assert "hush" not in str(found)


def test_tools_in_process_have_a_server_of_their_own() -> None:
    """They are available and allowed under one name."""
    found = options(ada(tools_from=("tests.agent.tools_of_ada:look",)))
    assert list(found.mcp_servers) == ["hearth"]
    assert found.allowed_tools == ["mcp__hearth"]


def test_options_hold_nothing_of_a_room() -> None:
    """Two sessions of one bot differ in their id and folder alone: a spare can serve any room."""
    other = SESSION.replace("5", "6")
    one, two = options(), options(start=Fresh(session_id=other))
    assert str(one).replace(SESSION, other).split("stderr")[0] == str(two).split("stderr")[0]


def test_only_the_child_that_sums_up_takes_a_command() -> None:
    """It resumes the session, and differs from all others in nothing else."""
    resumed = options(ada(), Resume(session_id=SESSION))
    summing = options(ada(), Compaction(session_id=SESSION))
    assert resumed.verbatim_prompts
    assert not summing.verbatim_prompts
    assert set(resumed.extra_args) - set(summing.extra_args) == {"disable-slash-commands"}
    assert (summing.resume, summing.session_id) == (SESSION, None)
    assert (summing.setting_sources, summing.tools) == ([], resumed.tools)


def test_an_unkept_session_is_not_persisted() -> None:
    """It has an id of its own like a fresh one, and no transcript."""
    unkept = options(start=Unkept(session_id=SESSION))
    assert "no-session-persistence" in unkept.extra_args
    assert unkept.session_id == SESSION
    assert "no-session-persistence" not in options().extra_args
