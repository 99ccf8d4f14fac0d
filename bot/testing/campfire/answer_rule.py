"""What Campfire does with the HTTP response to a webhook. Pure.

Only an answer without a Content-Type leaves the room alone. With one, and whatever its status,
something is posted: that is why a 404 page of a server ends up in a room as a file.
"""

import re
from dataclasses import dataclass

from bot.testing.campfire.records import Fate

_TEXT = frozenset({"text/plain", "text/html"})
_WITHOUT_BODY = frozenset({204, 304})
_OK = 200
_WELL_FORMED = re.compile(r"[^\s/;,]+/[^\s/;,]+")
#: The ending of the file's name by type; other types get none at all.
_ENDINGS = {
    "application/gzip": "gzip",
    "application/javascript": "js",
    "application/json": "json",
    "application/octet-stream": "bin",
    "application/pdf": "pdf",
    "application/xml": "xml",
    "application/zip": "zip",
    "audio/mpeg": "mp3",
    "image/gif": "gif",
    "image/jpeg": "jpeg",
    "image/png": "png",
    "image/svg+xml": "svg",
    "image/webp": "webp",
    "text/calendar": "ics",
    "text/css": "css",
    "text/csv": "csv",
    "text/html": "html",
    "text/javascript": "js",
    "text/markdown": "md",
    "text/plain": "text",
    "text/xml": "xml",
    "video/mp4": "mp4",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """What a response does to the room."""

    fate: Fate
    #: The HTML of the text message.
    html: str | None = None
    #: The name of the uploaded file.
    filename: str | None = None


def effect_of(status: int, content_type: str | None, body: bytes) -> Effect:
    """Return what Campfire does with a response; *content_type* is the header, None if absent."""
    if content_type is None:
        return Effect(fate=Fate.SILENT)
    kind = content_type.partition(";")[0].strip()
    if not _WELL_FORMED.fullmatch(kind) or status in _WITHOUT_BODY:
        return Effect(fate=Fate.FAILED)
    if status == _OK and kind in _TEXT:
        return Effect(fate=Fate.TEXT, html=body.decode(errors="replace"))
    return Effect(fate=Fate.FILE, filename=f"attachment.{_ENDINGS.get(kind, '')}")
