"""A prompt with files: as blocks, the files before the words that speak of them."""

import base64
import html
from collections.abc import Sequence
from typing import Any, Final

from bot.agent.client import Content
from bot.records.file import File

MOST_FILES: Final = 5
#: The API takes 5 MB of base64.
_MOST_IMAGE_BYTES: Final = 3_750_000
_MOST_DOCUMENT_BYTES: Final = 8_000_000
_MOST_BYTES_TOGETHER: Final = 12_000_000
_TEXT_CHARACTERS: Final = 50_000
_IMAGES: Final = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_DOCUMENT: Final = "application/pdf"


def with_files(text: str, files: Sequence[File]) -> Content:
    """Return the content of a prompt that says *text* about *files*.

    What a model cannot read, and what is too large or too much, is named as not available.
    """
    if not files:
        return text
    blocks, room = [], _MOST_BYTES_TOGETHER
    for number, file in enumerate(files):
        size = len(file.content)
        fits = number < MOST_FILES and size <= room
        room -= size if fits else 0
        blocks.extend(_blocks_of(file) if fits else [_unavailable(file)])
    return [*blocks, _text(text)]


def _blocks_of(file: File) -> list[dict[str, Any]]:
    kind, size = file.media_type, len(file.content)
    if kind in _IMAGES and 0 < size <= _MOST_IMAGE_BYTES:
        return [_text(f"<file{_name(file)}/>"), {"type": "image", "source": _source(file)}]
    if kind == _DOCUMENT and 0 < size <= _MOST_DOCUMENT_BYTES:
        return [_text(f"<file{_name(file)}/>"), {"type": "document", "source": _source(file)}]
    words = _words(file.content)
    return [
        _unavailable(file) if words is None else _text(f"<file{_name(file)}>\n{words}\n</file>")
    ]


def _source(file: File) -> dict[str, str]:
    data = base64.b64encode(file.content).decode()
    return {"type": "base64", "media_type": file.media_type, "data": data}


def _words(content: bytes) -> str | None:
    """Return a text file's text, cut where it is too long; None when it is no text."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if "\x00" in text:
        return None
    cut = text if len(text) <= _TEXT_CHARACTERS else f"{text[:_TEXT_CHARACTERS]} […]"
    return cut.replace("</file", "<\u2060/file")  # the end is ours


def _unavailable(file: File) -> dict[str, Any]:
    return _text(f"<file{_name(file)}>its content is not available</file>")


def _name(file: File) -> str:
    plain = "".join(character for character in file.name if character.isprintable())
    return f' name="{html.escape(plain[:100])}"'


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}
