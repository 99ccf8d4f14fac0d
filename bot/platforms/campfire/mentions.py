"""Whom a message mentions. Pure, and linear in the length of the HTML.

A mention is an ``<action-text-attachment>`` whose ``sgid`` names a user: base64 of JSON, ``--``, a
signature. Campfire itself follows a mention whose signature is wrong, and only Campfire could
check it; so a mention says who is addressed, and authorises nothing.
"""

import base64
import json
import re
from collections.abc import Iterator

_TAG = "action-text-attachment"

#: A start tag. Quotes are what may hide a ``>``.
_START_TAG = re.compile(
    r"""<(?P<name>[a-z][^\s/>]*+)(?P<attributes>(?:[^"'>]++|"[^"]*+"|'[^']*+')*+)>""",
    re.IGNORECASE | re.ASCII,
)
_NAME_START = re.compile(r"[a-zA-Z]")

#: With or without a value, so that no name is looked at twice.
_ATTRIBUTE = re.compile(
    r"""(?P<name>[^\s"'>/=]++)"""
    r"""(?:\s*+=\s*+(?:"(?P<double>[^"]*+)"|'(?P<single>[^']*+)'|(?P<bare>[^\s"'>]++)))?""",
    re.ASCII,
)

#: A real one has about 150 characters; the HTML of a message may hold any.
_LONGEST_SGID = 4096

_USER = re.compile(r"gid://campfire/User/(?P<id>[0-9]{1,19})(?:\?.*)?", re.DOTALL)

#: Inside of marshalled bytes, of which nothing else is looked at: to unmarshal runs code.
_MARSHALLED_USER = re.compile(rb"gid://campfire/User/(?P<id>[0-9]{1,19})")


def mentioned(html: str) -> frozenset[str]:
    """Return the ids of the users that *html*, a message as Campfire stores it, mentions.

    What is no mention, or cannot be read, is left out; nothing is raised.
    """
    return frozenset(user for sgid in _sgids(html) if (user := _user_of(sgid)) is not None)


def _sgids(html: str) -> Iterator[str]:
    at = html.find("<")
    while at >= 0:
        tag = _START_TAG.match(html, at)
        if tag is None and _NAME_START.match(html, at + 1):
            return  # a tag without its end swallows the rest, for a browser too
        if tag is not None and tag["name"].lower() == _TAG:
            yield from _sgid_in(tag["attributes"])
        at = html.find("<", tag.end() if tag else at + 1)


def _sgid_in(attributes: str) -> Iterator[str]:
    for found in _ATTRIBUTE.finditer(attributes):
        if found["name"].lower() == "sgid":
            yield found["double"] or found["single"] or found["bare"] or ""
            return  # of attributes with the same name the first one counts


def _user_of(sgid: str) -> str | None:
    if len(sgid) > _LONGEST_SGID:
        return None
    found: re.Match[str] | re.Match[bytes] | None = None
    match _rails_of(_decode(sgid.partition("--")[0]) or b""):
        case {"data": str(gid)}:
            found = _USER.fullmatch(gid)
        case {"message": str(marshalled)}:
            found = _MARSHALLED_USER.search(_decode(marshalled) or b"")
    return str(int(found["id"])) if found else None


def _rails_of(claim: bytes) -> object:
    try:
        value = json.loads(claim)
    except (ValueError, RecursionError):
        return None
    return value.get("_rails") if isinstance(value, dict) else None


def _decode(encoded: str) -> bytes | None:
    """Return the bytes of standard base64, or of the url-safe kind, which may lack its padding."""
    for text, alphabet in ((encoded, b"+/"), (encoded.rstrip("=") + _padding(encoded), b"-_")):
        try:
            return base64.b64decode(text, altchars=alphabet, validate=True)
        except ValueError:
            continue
    return None


def _padding(encoded: str) -> str:
    return "=" * (-len(encoded.rstrip("=")) % 4)
