"""The HTML of a message that a person writes, and mentions in it."""

import base64
import html
import json
import re
from collections.abc import Iterable, Mapping

from bot.testing.campfire.records import Account

_MENTION_TYPE = "application/vnd.campfire.mention"
#: Campfire does not check the signature of a mention, so one does for all.
_SIGNATURE = "0123456789abcdef0123456789abcdef01234567"
_SGID = re.compile(r'<action-text-attachment\b[^>]*\bsgid="(?P<id>[A-Za-z0-9+/=_-]+?)--')
_MENTION = re.compile(
    r'(?P<start><action-text-attachment\b(?![^>]* content=)[^>]*\bsgid="(?P<id>[^"]*)"[^>]*>)'
    r"(?P<end></action-text-attachment>)"
)
_USER = re.compile(r"gid://[\w-]+/User/(?P<id>\d+)")


def mention(account: Account) -> str:
    """Return the attachment that mentions *account*."""
    named = f"<span class=&quot;mention&quot;>{html.escape(account.name)}</span>"
    return (
        f'<action-text-attachment sgid="{sgid(account.id)}" content-type="{_MENTION_TYPE}"'
        f' content="{named}"></action-text-attachment>'
    )


def sgid(user_id: int) -> str:
    """Return the signed id of a user, as Rails' global ids have it."""
    claim = {"data": f"gid://campfire/User/{user_id}?expires_in", "pur": "attachable"}
    encoded = base64.b64encode(json.dumps({"_rails": claim}, separators=(",", ":")).encode())
    return f"{encoded.decode()}--{_SIGNATURE}"


def user_id_in(signed: str) -> int | None:
    """Return whom a signed id (or what stands before its ``--``) means; None when unreadable."""
    encoded = signed.partition("--")[0].replace("-", "+").replace("_", "/")
    try:
        claim = base64.b64decode(encoded + "=" * (-len(encoded) % 4)).decode(errors="replace")
    except ValueError:
        return None
    match = _USER.search(claim)
    return int(match["id"]) if match else None


def mentioned_ids(body: str) -> list[int]:
    """Return the ids of the users that *body* mentions, in order, repeated ones too."""
    found = (user_id_in(match["id"]) for match in _SGID.finditer(body))
    return [user_id for user_id in found if user_id is not None]


def with_names(body: str, names: Mapping[int, str]) -> str:
    """Return *body* with the present name inside each mention that comes without one."""

    def named(found: re.Match[str]) -> str:
        name = names.get(user_id_in(found["id"]) or 0, "")
        return f'{found["start"]}<span class="mention">{html.escape(name)}</span>{found["end"]}'

    return _MENTION.sub(named, body)


def compose(text: str, mentioned: Iterable[Account]) -> str:
    """Return the HTML of a text that a person types.

    A mention replaces the first ``@Name`` in the text, or else stands at its start.
    """
    body = html.escape(text, quote=False).replace("\n", "<br>")
    for account in mentioned:
        typed = "@" + html.escape(account.name, quote=False)
        if typed in body:
            body = body.replace(typed, mention(account), 1)
        else:
            body = f"{mention(account)} {body}".rstrip()
    return f"<div>{body}</div>"
