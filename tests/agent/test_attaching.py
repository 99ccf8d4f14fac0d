"""The tool that attaches a file to an answer."""

import base64
from pathlib import Path
from typing import Any

from bot.agent.attaching import attach_file
from bot.agent.made_files import MOST_BYTES, MadeFiles, made_since


async def call(folder: Path, **arguments: object) -> tuple[str, bool]:
    """Call the tool as the model would; return what it says and whether it failed."""
    result: dict[str, Any] = await attach_file(folder).handler(dict(arguments))
    return result["content"][0]["text"], result["is_error"]


async def test_text_and_bytes(tmp_path: Path) -> None:
    """Both are written into the working directory, under a plain name."""
    assert not (await call(tmp_path, name="../tea.csv", content="tea,kälter"))[1]
    coded = base64.b64encode(b"\x89PNG").decode()
    assert not (await call(tmp_path, name="a.png", content=coded, base64=True))[1]
    assert (tmp_path / "tea.csv").read_text() == "tea,kälter"
    assert (tmp_path / "a.png").read_bytes() == b"\x89PNG"


async def test_what_cannot_be_attached_is_said(tmp_path: Path) -> None:
    """The agent learns why, and can tell the room."""
    for arguments, why in (
        ({"content": "x" * (MOST_BYTES + 1)}, "bytes"),
        ({"content": "no base64", "base64": True}, "cannot be read"),
        ({"content": "\ud800"}, "cannot be read"),
    ):
        said, failed = await call(tmp_path, name="a.txt", **arguments)
        assert failed
        assert why in said
    said, failed = await call(tmp_path / "gone", name="a.txt", content="x")
    assert failed
    assert made_since(tmp_path, 0) == MadeFiles()
