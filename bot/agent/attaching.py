"""The tool with which an agent posts a file, for bots that have no tools to write one."""

import asyncio
import base64
import binascii
from pathlib import Path
from typing import Any, Final

from claude_agent_sdk import SdkMcpTool, tool

from bot.agent.made_files import MOST_BYTES, MOST_FILES, fit_name, put_file
from bot.records.file import File

_ABOUT: Final = (
    "Attach a file to your answer: it is posted into the room after the text, for people to"
    f" download. At most {MOST_FILES} files an answer, {MOST_BYTES // 2**20} MB each."
)
_SCHEMA: Final = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "description": 'The file\'s name, such as "notes.csv".'},
        "content": {"type": "string", "description": "The whole content."},
        "base64": {"type": "boolean", "description": "Whether the content is base64 of bytes."},
    },
    "required": ["name", "content"],
}


def attach_file(folder: Path) -> SdkMcpTool[Any]:
    """Return the tool for the session whose working directory is *folder*."""

    @tool("attach_file", _ABOUT, _SCHEMA)
    async def attach(arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            file = _file_of(arguments)
            await asyncio.to_thread(put_file, folder, file)
        except (OSError, ValueError) as error:
            return _said(f"The file was not attached: {error}", failed=True)
        return _said(f"{file.name} will be posted after your answer.")

    return attach


def _file_of(arguments: dict[str, Any]) -> File:
    """Read what the model gave. Raises ValueError."""
    text = str(arguments["content"])
    try:
        coded = bool(arguments.get("base64"))
        content = base64.b64decode(text, validate=True) if coded else text.encode()
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError(f"its content cannot be read: {error}") from error
    if len(content) > MOST_BYTES:
        raise ValueError(f"it has {len(content)} bytes, and may have {MOST_BYTES}")
    return File(name=fit_name(str(arguments["name"])), content=content)


def _said(text: str, *, failed: bool = False) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], "is_error": failed}
