"""A server of one tool over MCP's stdio transport, run as a program of its own."""

import json
import os
import sys
from typing import Any

TOOL = {
    "name": "read",
    "description": "Reads the notes",
    "inputSchema": {"type": "object", "properties": {}},
}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Return the result of one request."""
    match request["method"]:
        case "initialize":
            return {
                "protocolVersion": request["params"]["protocolVersion"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "notes", "version": "1"},
            }
        case "tools/list":
            return {"tools": [TOOL]}
        case "tools/call":
            text = f"notes of {os.environ['NOTES_TOKEN']}"
            return {"content": [{"type": "text", "text": text}]}
    return {}


def serve() -> None:
    """Answer until the input ends."""
    for line in sys.stdin:
        request = json.loads(line)
        if "id" in request:
            reply = {"jsonrpc": "2.0", "id": request["id"], "result": answer(request)}
            sys.stdout.write(json.dumps(reply) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    serve()
