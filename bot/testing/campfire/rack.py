"""How Rails reads the body that a bot posts: by its Content-Type, which is a trap. Pure."""

import json
import re
from dataclasses import dataclass
from email import policy
from email.parser import BytesParser
from urllib.parse import unquote_to_bytes

_FORM = "application/x-www-form-urlencoded"
#: Rack's limit on a form.
_MOST_FORM_BYTES = 4 * 2**20
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class BadBody(Exception):
    """The request fails before Campfire's own code sees it."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        #: What Rails answers.
        self.status = status


@dataclass(frozen=True, kw_only=True, slots=True)
class Posted:
    """What a bot posted: a text or a file."""

    #: The body, taken as HTML; None for a file.
    html: str | None
    #: None for a text.
    filename: str | None
    #: Of a file.
    content: bytes | None = None
    #: What a well-behaved client would have done otherwise; None when all is well.
    complaint: str | None = None

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing in it."""
        return self.filename is None and not (self.html or "").strip()


def read_body(content_type: str | None, body: bytes) -> Posted:
    """Return what Campfire takes *body* for. Raises `BadBody`."""
    kind = (content_type or _FORM).partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return _multipart(content_type or "", body)
    if kind == _FORM:
        _check_form(body)
        return _text(body, complaint=f"posted with Content-Type {content_type}: read as a form")
    if kind == "application/json":
        _check_json(body)
        return _text(body, complaint="posted as JSON, which is shown literally")
    return _text(body)


def _text(body: bytes, complaint: str | None = None) -> Posted:
    return Posted(html=body.decode(errors="replace"), filename=None, complaint=complaint)


def _check_form(body: bytes) -> None:
    if len(body) > _MOST_FORM_BYTES:
        raise BadBody(400, "total query size exceeds limit")
    if _BAD_ESCAPE.search(body):
        raise BadBody(400, "invalid %-encoding")
    names = (pair.partition(b"=")[0] for pair in body.split(b"&"))
    if any(unquote_to_bytes(name.replace(b"+", b" ")) == b"attachment" for name in names):
        raise BadBody(500, "the parameter attachment is no upload")


def _check_json(body: bytes) -> None:
    try:
        json.loads(body)
    except ValueError as error:
        raise BadBody(400, "the body is not JSON") from error


def _multipart(content_type: str, body: bytes) -> Posted:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    parsed = BytesParser(policy=policy.HTTP).parsebytes(head + body)
    for part in parsed.iter_parts():
        disposition = part["content-disposition"]
        if disposition is not None and disposition.params.get("name") == "attachment":
            filename = disposition.params.get("filename")
            if filename is None:
                raise BadBody(500, "the field attachment is no file")
            content = part.get_payload(decode=True)
            content = content if isinstance(content, bytes) else b""
            return Posted(html=None, filename=filename, content=content)
    return _text(body, complaint="posted as multipart without the field attachment")
