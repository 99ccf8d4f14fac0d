"""Messages, boosts and users as the bot API describes them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.testing.campfire.markup import with_names
from bot.testing.campfire.records import Account, Boost, BotAccount, Message


def user_json(account: Account, *, base_url: str) -> dict[str, Any]:
    """Return a user; the role tells bots from people."""
    return {
        "id": account.id,
        "name": account.name,
        "role": "bot" if isinstance(account, BotAccount) else "member",
        "avatar_url": f"{base_url}/users/{account.id}/avatar",
    }


def message_json(message: Message, *, names: Mapping[int, str], base_url: str) -> dict[str, Any]:
    """Return a message; of a file there is but the name.

    A text stands in a frame, and its mentions show the *names* of those they mean.
    """
    text = with_names(message.html or "", names)
    html = f'<div class="trix-content">\n  {text}\n</div>\n' if message.html else ""
    return {
        "id": message.id,
        "created_at": _time(message.created_at),
        "body": {"plain_text": message.plain, "html": html},
        "creator": user_json(message.creator, base_url=base_url),
        "room": {"id": message.room_id},
        "url": f"{base_url}/rooms/{message.room_id}/messages/{message.id}",
    }


def boost_json(boost: Boost, message: Message, *, base_url: str) -> dict[str, Any]:
    """Return a reaction to *message*."""
    url = f"{base_url}/rooms/{message.room_id}/messages/{message.id}"
    return {
        "id": boost.id,
        "content": boost.content,
        "created_at": _time(boost.created_at),
        "booster": user_json(boost.booster, base_url=base_url),
        "message": {"id": message.id, "url": url},
    }


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
