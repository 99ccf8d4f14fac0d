"""The queue from which Campfire's workers call the bots, and what the answers do to the rooms."""

import asyncio
import time
from collections import deque

from bot.testing.campfire.answer_rule import effect_of
from bot.testing.campfire.chat import Chat
from bot.testing.campfire.courier import BadAnswer, Unreachable, deliver
from bot.testing.campfire.directory import Room
from bot.testing.campfire.markup import mentioned_ids
from bot.testing.campfire.payload import encode, payload, request, with_fork_fields
from bot.testing.campfire.records import (
    BotAccount,
    Delivery,
    Dialect,
    Fate,
    Message,
    RoomKind,
    Violation,
)

_TIMEOUT_TEXT = "Failed to respond within 7 seconds"
#: How many deliveries and violations are remembered.
_KEPT = 10_000


class Webhooks:
    """Calls bots: at most once for a message, with as many workers as it was given."""

    def __init__(self, chat: Chat, dialect: Dialect, timeout_s: float) -> None:
        self._chat = chat
        self._dialect = dialect
        self._timeout_s = timeout_s
        self._queue: asyncio.Queue[tuple[Message, BotAccount]] = asyncio.Queue()
        self.deliveries: deque[Delivery] = deque(maxlen=_KEPT)
        self.violations: deque[Violation] = deque(maxlen=_KEPT)

    def trigger(self, message: Message) -> None:
        """Queue a call of each bot that Campfire would call for *message*."""
        for bot in self._called_for(message):
            self._queue.put_nowait((message, bot))

    async def work(self) -> None:
        """Call bots, one after the other, for ever."""
        while True:
            message, bot = await self._queue.get()
            try:
                await self.call(message, bot)
            finally:
                self._queue.task_done()

    async def drained(self) -> None:
        """Wait until no call is queued or under way."""
        await self._queue.join()

    def request_for(self, message: Message, bot: BotAccount) -> bytes:
        """Return the bytes that are sent to *bot* for *message*."""
        room = self._chat.directory.rooms[message.room_id]
        value = payload(message, room_name=room.name, bot=bot)
        if self._dialect is Dialect.FORK:
            members = [self._chat.directory.accounts[member] for member in room.member_ids]
            value = with_fork_fields(value, kind=room.kind, members=members)
        return request(bot.webhook_url or "", encode(value))

    async def call(self, message: Message, bot: BotAccount) -> Delivery | None:
        """Call *bot* for *message* with its present address and key; None without an address."""
        current = self._chat.directory.accounts[bot.id]
        if not isinstance(current, BotAccount) or current.webhook_url is None:
            return None
        room = self._chat.directory.rooms[message.room_id]
        return await self.send(self.request_for(message, current), current, room, message.id)

    async def send(
        self, raw: bytes, bot: BotAccount, room: Room, message_id: int | None = None
    ) -> Delivery:
        """Send *raw* to the webhook of *bot*, and do to *room* what Campfire would."""
        sent_at = time.perf_counter()
        fate, status, content_type = await self._exchange(raw, bot, room)
        delivery = Delivery(
            bot_id=bot.id,
            room_id=room.id,
            message_id=message_id,
            fate=fate,
            status=status,
            content_type=content_type,
            sent_at=sent_at,
        )
        self.deliveries.append(delivery)
        await self._chat.tell()
        return delivery

    def complain(self, kind: str, bot: BotAccount, room: Room, what: str) -> None:
        """Note a violation."""
        self.violations.append(Violation(kind=kind, bot_id=bot.id, room_id=room.id, what=what))

    def _called_for(self, message: Message) -> list[BotAccount]:
        room = self._chat.directory.rooms[message.room_id]
        accounts = self._chat.directory.accounts
        if room.kind is RoomKind.DIRECT:
            ids = room.member_ids
        else:
            named = dict.fromkeys(mentioned_ids(message.html or ""))
            ids = [user_id for user_id in named if user_id in room.member_ids]
        bots = [bot for user_id in ids if isinstance(bot := accounts[user_id], BotAccount)]
        return [bot for bot in bots if bot.webhook_url and bot.id != message.creator.id]

    async def _exchange(
        self, raw: bytes, bot: BotAccount, room: Room
    ) -> tuple[Fate, int | None, str | None]:
        try:
            answer = await deliver(bot.webhook_url or "", raw, timeout_s=self._timeout_s)
        except TimeoutError:
            self.complain("timeout", bot, room, f"no answer within {self._timeout_s:g} s")
            await self._chat.post(room, bot, html=_TIMEOUT_TEXT)
            return Fate.TIMED_OUT, None, None
        except Unreachable:
            return Fate.UNREACHABLE, None, None
        except BadAnswer:
            return Fate.FAILED, None, None
        effect = effect_of(answer.status, answer.content_type, answer.body)
        if effect.fate is not Fate.SILENT:
            what = f"{answer.status} with Content-Type {answer.content_type!r}: {effect.fate}"
            self.complain("answer", bot, room, what)
        if effect.fate in {Fate.TEXT, Fate.FILE}:
            await self._chat.post(room, bot, html=effect.html, filename=effect.filename)
        return effect.fate, answer.status, answer.content_type
