"""What the agent can use, and what a room cannot make it use."""

import sys
from pathlib import Path
from typing import Any

from claude_agent_sdk import tool

from bot.testing.model import call_tool
from tests.e2e.world import open_world

#: A server of tools as MCP has them: JSON-RPC, a line a message.
_NOTES = """\
import json, os, sys

TOOL = {"name": "look_up", "description": "Look a note up.", "inputSchema": {"type": "object"}}

def result(method, params):
    if method == "initialize":
        version = params["protocolVersion"]
        about = {"name": "notes", "version": "1"}
        return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": about}
    if method == "tools/list":
        return {"tools": [TOOL]}
    if method == "tools/call":
        text = f"{params['arguments']['word']} is {os.environ['NOTE']}"
        return {"content": [{"type": "text", "text": text}]}
    return {}

for line in sys.stdin:
    request = json.loads(line)
    if "id" in request:
        said = result(request["method"], request.get("params", {}))
        print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": said}), flush=True)
"""


@tool("weather", "Tell the weather.", {"city": str})
async def weather(arguments: dict[str, Any]) -> dict[str, Any]:
    """Know the weather of every city."""
    return {"content": [{"type": "text", "text": f"It rains in {arguments['city']}."}]}


async def test_a_server_of_tools_can_be_called(tmp_path: Path) -> None:
    """The agent calls a tool of a program that the bot's file names, with its secret."""
    program = tmp_path / "notes.py"
    program.write_text(_NOTES)
    async with open_world(tmp_path) as world:
        world.write_bot(
            "ada",
            f'[agent.mcp_servers.notes]\ncommand = "{sys.executable}"\nargs = ["{program}"]\n'
            'env = { NOTE = { env = "A_NOTE" } }\n',
        )
        async with world.serving({"A_NOTE": "cold"}):
            world.model.script("the tea", call_tool("mcp__notes__look_up", word="tea"))
            assert await world.ask("@Ada what is the tea?") == "The tool said: tea is cold"


async def test_a_tool_of_ours_can_be_called(tmp_path: Path) -> None:
    """The agent calls a function of this process that the bot's file names."""
    async with open_world(tmp_path) as world:
        world.write_bot("ada", f'[agent]\ntools_from = ["{__name__}:weather"]\n')
        async with world.serving():
            world.model.script("the weather", call_tool("mcp__hearth__weather", city="Bern"))
            answer = await world.ask("@Ada how is the weather?")
            assert answer == "The tool said: It rains in Bern."


async def test_a_tool_that_is_not_listed_is_refused(tmp_path: Path) -> None:
    """Whatever the model is talked into, there is no shell."""
    made = tmp_path / "made-by-the-model"
    async with open_world(tmp_path) as world, world.serving() as server:
        world.model.script("the shell", call_tool("Bash", command=f"touch {made}"))
        assert "No such tool available" in await world.ask("@Ada use the shell")
        assert world.model.requests[0].body.get("tools", []) == []
        assert not made.exists()
        assert await server.settled() == {"accepted": 1, "answered": 1}


async def test_text_from_a_room_is_only_text(tmp_path: Path) -> None:
    """File mentions and commands reach the model as they were typed, and nothing is forgotten."""
    async with open_world(tmp_path) as world, world.serving():
        await world.ask("@Ada my name is Kim")
        for text in ("/clear", "/compact", "@/etc/passwd"):
            said = await world.say(text, room=world.direct, mention=())
            await world.answer(said)
            await world.ask(f"@Ada {text}")
            turns = world.model.requests[-1].turns
            assert text in turns[-1]
            assert len(world.model.requests[-1].question.text) == len(text)
        assert not any("root:" in str(request.body) for request in world.model.requests)
        assert "Kim" in await world.ask("@Ada what is my name?")
        assert len(world.model.requests) == 8
