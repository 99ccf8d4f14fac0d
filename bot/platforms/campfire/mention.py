"""A mention as a bot writes it; `mentions` reads those of others.

Campfire follows a mention of a user whose signature is wrong, and nobody but Campfire could make a
right one.
"""

import base64
import json

_TYPE = "application/vnd.campfire.mention"
_PARAGRAPH = "<p>"


def mention(user: str) -> str:
    """Return the HTML that mentions a user by id, and notifies that person; "" for no user's id."""
    if not (user.isascii() and user.isdecimal()):
        return ""
    claim = {"_rails": {"data": f"gid://campfire/User/{user}", "pur": "attachable"}}
    # Padded and of the standard alphabet: older versions read no other.
    encoded = base64.b64encode(json.dumps(claim, separators=(",", ":")).encode()).decode()
    return (
        f'<action-text-attachment sgid="{encoded}--unsigned" content-type="{_TYPE}">'
        "</action-text-attachment> "
    )


def addressed(html: str, mentions: str) -> str:
    """Return *html* with *mentions* at the beginning: in the first paragraph, or as one."""
    if not mentions:
        return html
    if html.startswith(_PARAGRAPH):
        return f"{_PARAGRAPH}{mentions}{html.removeprefix(_PARAGRAPH)}"
    return f"{_PARAGRAPH}{mentions.rstrip()}</p>{html}"
