"""Tools that a bot file names, and what is wrong with some of them."""

from pathlib import Path

import pytest

from bot.agent.tools import in_process_servers
from bot.errors import AgentMissing
from tests.agent.bots import ada

#: Nothing is written there.
WORK = Path("a-working-directory")


def test_tools_are_loaded_once_named() -> None:
    """A bot without tools has no server."""
    assert in_process_servers(ada(), WORK) == {}
    look = ada(tools_from=("tests.agent.tools_of_ada:look",))
    assert list(in_process_servers(look, WORK)) == ["hearth"]


@pytest.mark.parametrize(
    "path",
    [
        "no_such_module:look",
        "tests.agent.tools_of_ada:nothing",
        ":look",
        "tests.agent.tools_of_ada",
    ],
)
def test_missing_tool_is_named(path: str) -> None:
    """What cannot be found is said with the bot and the entry of its file."""
    with pytest.raises(AgentMissing, match=f'bot ada: tools_from "{path}" cannot be loaded'):
        in_process_servers(ada(tools_from=(path,)), WORK)


def test_undecorated_function_is_refused() -> None:
    """Anything but a tool of the SDK is said to lack its decoration."""
    with pytest.raises(AgentMissing, match=r"decorate the function with claude_agent_sdk\.tool"):
        in_process_servers(ada(tools_from=("tests.agent.tools_of_ada:NOT_A_TOOL",)), WORK)


@pytest.mark.parametrize("code", ["1 / 0", "int('x')", "{}['x']", "def", "undefined", "1 + ''"])
def test_module_that_fails_is_the_operators(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str
) -> None:
    """A module that fails while it is imported costs the bot, not the server."""
    (tmp_path / "broken_tools.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(AgentMissing, match="broken_tools:look"):
        in_process_servers(ada(tools_from=("broken_tools:look",)), WORK)
