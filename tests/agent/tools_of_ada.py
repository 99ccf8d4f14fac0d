"""In-process tools, as a bot file would name them."""

from typing import Any

from claude_agent_sdk import tool

CALLS: list[dict[str, Any]] = []
NOT_A_TOOL = "just a text"


@tool("look", "Looks something up", {"what": str})
async def look(arguments: dict[str, Any]) -> dict[str, Any]:
    """Remember the call and say what was seen."""
    CALLS.append(arguments)
    return {"content": [{"type": "text", "text": f"saw {arguments['what']}"}]}
