"""Campfire as the rest of the server sees it: read a delivery, render a reply, post it."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime

import httpx

from bot.platforms.campfire.api import TIMEOUT_S, Api, open_client
from bot.platforms.campfire.authenticity import verify
from bot.platforms.campfire.delivery import PLATFORM, parse_delivery
from bot.platforms.campfire.markup import render_markdown
from bot.records import Credentials, Ignored, Message, RoomMessage


@asynccontextmanager
async def open_campfire(
    base_url: str, *, timeout_s: float = TIMEOUT_S
) -> AsyncIterator["Campfire"]:
    """Open the platform on a client of its own, closed at the end; see `api.open_client`."""
    async with open_client(timeout_s=timeout_s) as client:
        yield Campfire(base_url, client)


class Campfire:
    """One Campfire at *base_url*. Replies go there, whatever a delivery says."""

    name = PLATFORM

    def __init__(self, base_url: str, client: httpx.AsyncClient) -> None:
        self._api = Api(base_url, client)
        self._bot_ids: frozenset[str] = frozenset()

    def know_bots(self, keys: Iterable[str]) -> None:
        """Replace the configured bots, by their keys: what one of them says asks for nothing."""
        self._bot_ids = frozenset(user_id(key) for key in keys)

    def read(
        self, body: bytes, *, credentials: Credentials, secret: str | None, received_at: datetime
    ) -> Message | Ignored:
        """Return the message of an authentic delivery, or why it asks for nothing.

        Raises `Malformed` or `NotAuthentic`: who is not authentic learns nothing else.
        """
        delivery = parse_delivery(body, bot=credentials.bot, received_at=received_at)
        verify(delivery, credentials=credentials, secret=secret)
        if delivery.message is None:
            return Ignored(why="unknown_type")
        author = delivery.message.author.id
        if author == user_id(credentials.key):
            return Ignored(why="own_message")
        if author in self._bot_ids:
            return Ignored(why="other_bot")
        return delivery.message

    def render(self, markdown: str) -> tuple[str, ...]:
        """Return *markdown* as the HTML of one or more messages, in order, none of them blank."""
        return render_markdown(markdown)

    async def post(self, *, room: str, html: str, key: str) -> str | None:
        """Post *html* as the bot of *key*; see `Api.post_message` for result and errors."""
        return await self._api.post_message(room=room, html=html, key=key)

    async def history_since(
        self, room: str, key: str, after: str, *, limit: int
    ) -> tuple[RoomMessage, ...] | None:
        """Interim, until the branch with the history is merged: there is none."""
        del room, key, after, limit
        return None

    def author_of(self, key: str) -> str:
        """Return the id of the author as whom *key* posts."""
        return user_id(key)


def user_id(key: str) -> str:
    """Return the Campfire user a bot *key* belongs to: the number before the dash."""
    return key.partition("-")[0]
