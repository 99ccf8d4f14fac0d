"""The stand-in Campfire as a test, the demo or the simulator uses it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette

from bot.testing.campfire.bot_api import BotApi
from bot.testing.campfire.chat import Chat
from bot.testing.campfire.directory import Room
from bot.testing.campfire.faults import Faults, Wait
from bot.testing.campfire.markup import compose
from bot.testing.campfire.page import Page
from bot.testing.campfire.records import (
    Account,
    ApiCall,
    BotAccount,
    Delivery,
    Dialect,
    Message,
    PersonAccount,
    RoomKind,
    Violation,
)
from bot.testing.campfire.webhooks import Webhooks
from bot.testing.listener import Listener, listening

_TIMEOUTS_S = dict.fromkeys(Dialect, 7.0) | {Dialect.FORK: 300.0}


class Campfire:
    """A chat with people, bots and rooms, that calls webhooks and takes posts."""

    def __init__(
        self, chat: Chat, webhooks: Webhooks, faults: Faults, api: BotApi, listener: Listener
    ) -> None:
        self._chat = chat
        self._webhooks = webhooks
        self._faults = faults
        self._api = api
        self._listener = listener

    @property
    def url(self) -> str:
        """Base address: of the bot API, and of the page on which people chat."""
        return self._listener.url

    # -- who and where -------------------------------------------------------------------------

    def add_person(self, name: str, *, id: int | None = None) -> PersonAccount:  # noqa: A002 -- the chat's word
        """Return the person called *name*, new or known; with an id, the one of that id."""
        return self._chat.directory.person(name, id)

    def add_bot(
        self,
        name: str,
        webhook_url: str | None = None,
        *,
        id: int | None = None,  # noqa: A002 -- the chat's word
        key: str = "",
    ) -> BotAccount:
        """Return the bot called *name*, new or known, which is called at *webhook_url* from now."""
        return self._chat.directory.bot(name, webhook_url, id, key)

    def change_webhook(self, bot: BotAccount, webhook_url: str | None) -> BotAccount:
        """Call *bot* at another address from now on."""
        return self._chat.directory.bot(bot.name, webhook_url, bot.id)

    def change_key(self, bot: BotAccount) -> BotAccount:
        """Give *bot* a new key; the old one dies at once."""
        return self._chat.directory.give_new_key(bot)

    def add_room(
        self,
        name: str | None = None,
        *,
        kind: RoomKind = RoomKind.OPEN,
        members: Collection[Account] = (),
        id: int | None = None,  # noqa: A002 -- the chat's word
    ) -> Room:
        """Return a room, new or known: by its name, or by its members when it is direct."""
        return self._chat.directory.room(name, kind, members, id)

    def room(self, which: Room | int) -> Room:
        """Return a room by its id."""
        return self._chat.directory.rooms[which if isinstance(which, int) else which.id]

    # -- what people do ------------------------------------------------------------------------

    async def say(
        self,
        room: Room,
        person: Account,
        text: str,
        *,
        mention: Iterable[Account] = (),
        html: str | None = None,
        deliver: bool = True,
    ) -> Message:
        """Write a message, and let Campfire call the bots concerned unless not *deliver*.

        A mention stands where ``@Name`` is in the text, else at its start. With *html*, that is
        the body.
        """
        body = compose(text, mention) if html is None else html
        message = await self._chat.post(room, person, html=body)
        if deliver:
            self._webhooks.trigger(message)
        return message

    async def upload(self, room: Room, person: Account, filename: str) -> Message:
        """Put a file into a room."""
        message = await self._chat.post(room, person, html=None, filename=filename)
        self._webhooks.trigger(message)
        return message

    async def edit(self, message: Message, html: str) -> Message:
        """Change a message; no bot is called."""
        return await self._chat.edit(message, html)

    async def remove(self, message: Message) -> None:
        """Remove a message; no bot is called."""
        await self._chat.remove(message)

    # -- webhooks again, or by hand ------------------------------------------------------------

    def request_for(self, message: Message, bot: BotAccount) -> bytes:
        """Return the bytes with which *bot* is called for *message*."""
        return self._webhooks.request_for(message, bot)

    async def redeliver(self, message: Message, bot: BotAccount) -> Delivery | None:
        """Call *bot* for *message* once more, at once."""
        return await self._webhooks.call(message, bot)

    async def deliver_raw(self, raw: bytes, bot: BotAccount, room: Room) -> Delivery:
        """Send *raw* to the webhook of *bot*; the answer takes effect in *room*."""
        return await self._webhooks.send(raw, bot, room)

    # -- what happened -------------------------------------------------------------------------

    @property
    def violations(self) -> tuple[Violation, ...]:
        """What a well-behaved server would not have done."""
        return tuple(self._webhooks.violations)

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """The webhook requests that have ended."""
        return tuple(self._webhooks.deliveries)

    @property
    def api_calls(self) -> tuple[ApiCall, ...]:
        """The requests to the bot API."""
        return tuple(self._api.calls)

    async def delivered(self) -> None:
        """Wait until every queued webhook request has ended."""
        await self._webhooks.drained()

    async def wait_until(
        self, predicate: Callable[["Campfire"], bool], *, timeout_s: float = 10
    ) -> None:
        """Wait until *predicate* holds; it is asked after each change. Raises TimeoutError."""
        try:
            async with asyncio.timeout(timeout_s), self._chat.changed:
                await self._chat.changed.wait_for(lambda: predicate(self))
        except TimeoutError:
            raise TimeoutError(f"not within {timeout_s:g} s; {self._story()}") from None

    async def answer_to(
        self,
        message: Message,
        *,
        by: BotAccount | None = None,
        containing: str = "",
        timeout_s: float = 10,
    ) -> Message:
        """Wait for the first later message of a bot there that does not grow, and return it."""

        def answers() -> list[Message]:
            later = (m for m in self.room(message.room_id).messages if m.id > message.id)
            bots = (m for m in later if isinstance(m.creator, BotAccount))
            wanted = (m for m in bots if by is None or m.creator.id == by.id)
            return [m for m in wanted if containing in m.plain and not m.grows]

        await self.wait_until(lambda _: bool(answers()), timeout_s=timeout_s)
        return answers()[0]

    def _story(self) -> str:
        rooms = self._chat.directory.rooms.values()
        told = [f"{m.creator.name}: {m.plain[:60]!r}" for r in rooms for m in r.messages[-3:]]
        return f"the rooms end with {told}, {len(self.violations)} violations"

    # -- faults --------------------------------------------------------------------------------

    def fail_posts(
        self,
        status: int,
        times: int = 1,
        headers: Mapping[str, str] | None = None,
        *,
        stored: bool = False,
    ) -> None:
        """Answer the next *times* posts with *status*, and store nothing unless *stored*."""
        self._faults.fail_posts(status, times, headers, stored=stored)

    def fail_reads(self, status: int, times: int = 1) -> None:
        """Answer the next *times* looks at a room's history with *status*."""
        self._faults.fail_reads(status, times)

    def become(self, dialect: Dialect) -> None:
        """Be updated to another version of the bot API, while it runs."""
        self._api.become(dialect)

    def slow_posts(self, wait: float | Wait) -> None:
        """Wait before each post is stored: so many seconds, or at a `Gate`; 0 ends that."""
        self._faults.slow_posts(wait)

    def slow_reads(self, wait: float | Wait) -> None:
        """Wait before each look at a room's history is answered, as `slow_posts`."""
        self._faults.slow_reads(wait)

    def fail_changes(self, status: int, times: int = 1, *, done: bool = False) -> None:
        """Answer the next *times* edits, removals and reactions so, carried out only if *done*."""
        self._faults.fail_changes(status, times, done=done)

    def slow_changes(self, wait: float | Wait) -> None:
        """Wait before each edit, removal or reaction is carried out, as `slow_posts`."""
        self._faults.slow_changes(wait)

    def drop_after_accept(self, times: int = 1) -> None:
        """Store the next *times* posts, and close the connection instead of answering."""
        self._faults.drop_after_accept(times)

    async def refuse_connections(self) -> None:
        """Be down for bots and people; posts under way are stored, but nobody hears of it."""
        await self._listener.refuse()

    async def accept_connections(self) -> None:
        """Be up again, at the same address."""
        await self._listener.accept()


@asynccontextmanager
async def open_campfire(
    *,
    dialect: Dialect = Dialect.RELEASED,
    state: Path | None = None,
    workers: int = 1,
    timeout_s: float | None = None,
    port: int = 0,
) -> AsyncIterator[Campfire]:
    """Serve a stand-in Campfire on 127.0.0.1 until the block ends.

    *state*: a file in which it all survives a restart. With more than one of *workers*, webhooks
    may overtake each other. *timeout_s*: how long a webhook may take, 7 s (300 s in the fork).
    """
    chat = Chat(state)
    patience_s = _TIMEOUTS_S[dialect] if timeout_s is None else timeout_s
    webhooks, faults = Webhooks(chat, dialect, patience_s), Faults()
    api = BotApi(chat, webhooks, faults, dialect)
    try:
        async with asyncio.TaskGroup() as group:
            working = [
                group.create_task(webhooks.work(), name=f"campfire webhooks {number}")
                for number in range(workers)
            ]
            async with _served(chat, webhooks, faults, api, port) as campfire:
                yield campfire
            for task in working:
                task.cancel()
    except BaseExceptionGroup as failed:
        # A test that fails in the block shall fail with its own error, not with a group of one.
        raise failed.exceptions[0] if len(failed.exceptions) == 1 else failed from None
    finally:
        chat.close()


@asynccontextmanager
async def _served(
    chat: Chat, webhooks: Webhooks, faults: Faults, api: BotApi, port: int
) -> AsyncIterator[Campfire]:
    app = Starlette()
    async with listening(app, port=port) as listener:
        campfire = Campfire(chat, webhooks, faults, api, listener)
        app.state.listener = listener
        app.router.routes += [*api.routes(), *Page(chat, campfire.say).routes()]
        try:
            yield campfire
        finally:
            faults.end()
