"""Campfire as the rest of the server sees it: read a delivery, render a reply, post it."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import httpx

from bot.platforms.campfire.api import TIMEOUT_S, Api
from bot.platforms.campfire.authenticity import verify
from bot.platforms.campfire.changes import Changes
from bot.platforms.campfire.delivery import PLATFORM, parse_delivery
from bot.platforms.campfire.history import History
from bot.platforms.campfire.markup import render_markdown
from bot.platforms.campfire.mention import addressed, mention
from bot.platforms.campfire.missed import as_delivered, is_addressed
from bot.platforms.campfire.wire import open_wire
from bot.records import Credentials, Ignored, Message, Person, RoomMessage
from bot.records.file import File


@asynccontextmanager
async def open_campfire(
    base_url: str, *, timeout_s: float = TIMEOUT_S
) -> AsyncIterator["Campfire"]:
    """Open the platform on connections of its own, closed at the end; see `Api` and `open_wire`."""
    async with open_wire() as wire:
        yield Campfire(base_url, wire, timeout_s=timeout_s)


class Campfire:
    """One Campfire at *base_url*. Replies go there, whatever a delivery says."""

    name = PLATFORM

    def __init__(
        self, base_url: str, wire: httpx.AsyncBaseTransport, *, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._api = Api(base_url, wire, timeout_s=timeout_s)
        self._history = History(self._api)
        self._changes = Changes(self._api)
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
        return self._bot_speaking(author, credentials) or delivery.message

    def render(self, markdown: str) -> tuple[str, ...]:
        """Return *markdown* as the HTML of one or more messages, in order, none of them blank."""
        return render_markdown(markdown)

    def naming(self, html: str, people: Sequence[Person]) -> str:
        """Return a message that begins with mentions of *people*. Pure, for any thread.

        Our own bots are left out: those would answer.
        """
        mentions = [mention(person.id) for person in people if person.id not in self._bot_ids]
        return addressed(html, "".join(mentions))

    async def post(self, *, room: str, html: str, key: str) -> str | None:
        """Post *html* as the bot of *key*; see `Api.post_message` for result and errors."""
        return await self._api.post_message(room=room, html=html, key=key)

    async def post_file(self, *, room: str, file: File, key: str) -> str | None:
        """Post *file* as the bot of *key*; result and errors as those of `post`."""
        return await self._api.post_file(room=room, file=file, key=key)

    async def files(self, message: Message, *, key: str) -> tuple[File, ...]:  # noqa: ARG002 - the port's
        """Return nothing: Campfire gives a bot a file's name, and no way to its content."""
        return ()

    async def can_edit(self, *, room: str) -> bool:
        """Whether bots can edit and remove what they have posted.

        Released versions let no bot do that; it is asked again when the version in their answers
        changes, or after some minutes. Raises `ChatError`.
        """
        return await self._changes.can_edit(room)

    async def edit(self, *, room: str, message: str, html: str, key: str) -> None:
        """Give a *message* of the bot of *key* another text, of which nobody is notified.

        Raises as `post`; doing it again does no harm.
        """
        await self._changes.edit(room=room, message=message, html=html, key=key)

    async def remove(self, *, room: str, message: str, key: str) -> None:
        """Remove a *message* of the bot of *key*, or find it gone. Raises as `post`."""
        await self._changes.remove(room=room, message=message, key=key)

    def can_react(self) -> bool:
        """Whether bots can react, as far as is known; False is asked again after some minutes."""
        return self._changes.can_react()

    async def react(self, *, room: str, message: str, reaction: str, key: str) -> bool:
        """React to a *message* with an emoji; False where bots cannot. Raises as `post`."""
        return await self._changes.react(room=room, message=message, reaction=reaction, key=key)

    def author_of(self, key: str) -> str:
        """Return the id of the author as whom *key* posts."""
        return user_id(key)

    def is_addressed(self, message: RoomMessage, *, key: str) -> bool:
        """Whether *message*, in a room that is not direct, mentions the bot of *key*."""
        return is_addressed(message, user=user_id(key), direct=False)

    async def history(
        self, *, room: str, key: str, after: str | None = None, before: str | None = None
    ) -> tuple[RoomMessage, ...] | None:
        """Return a page of *room*, 40 messages at most, oldest first; None where there is none.

        It is the newest one, or the one next to the message *after* or *before*, which may have
        been removed since. Campfire orders by time: of two messages written at once, the first may
        have the higher id. Released versions let no bot read; that is found out by asking, and
        asked again when the version in their answers changes, or after some minutes (`capability`).
        Raises `ChatUnavailable`, or `ChatRefused`, also for a room that the bot is not in.
        """
        return await self._history.page(room=room, key=key, after=after, before=before)

    async def history_since(
        self, room: str, key: str, after: str, *, limit: int
    ) -> tuple[RoomMessage, ...] | None:
        """Return what came after the message *after*, oldest first, *limit* at most.

        Fewer are all there are. Should *after* have been removed, it is looked for among the
        newest 1,000 only: what came before those is left out. Otherwise as `history`.
        """
        return await self._history.since(room=room, key=key, after=after, limit=limit)

    def read_missed(
        self,
        message: RoomMessage,
        *,
        credentials: Credentials,
        bot_name: str,
        room: str,
        room_name: str | None,
        direct: bool,
        received_at: datetime,
    ) -> Message | Ignored:
        """Return what the webhook would have brought for *message*, or why it asks for nothing.

        *bot_name* is the bot's in Campfire: mentions of it are taken out of the text.
        """
        if ignored := self._bot_speaking(message.author.id, credentials):
            return ignored
        if message.by_bot:
            return Ignored(why="other_bot")
        if not is_addressed(message, user=user_id(credentials.key), direct=direct):
            return Ignored(why="not_addressed")
        return as_delivered(
            message,
            bot=credentials.bot,
            bot_name=bot_name,
            room=room,
            room_name=room_name,
            direct=direct,
            received_at=received_at,
        )

    def _bot_speaking(self, author: str, credentials: Credentials) -> Ignored | None:
        if author == user_id(credentials.key):
            return Ignored(why="own_message")
        return Ignored(why="other_bot") if author in self._bot_ids else None


def user_id(key: str) -> str:
    """Return the Campfire user a bot *key* belongs to: the number before the dash."""
    return key.partition("-")[0]
