"""The messages of the chat, and waiting for them to change."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bot.testing.campfire import ledger
from bot.testing.campfire.directory import Directory, Room
from bot.testing.campfire.plain_text import plain_text
from bot.testing.campfire.records import Account, Boost, Message


class Chat:
    """Everything that Campfire keeps in its database."""

    def __init__(self, path: Path | None, now: Callable[[], datetime] | None = None) -> None:
        lines = list(ledger.read(path))
        self._ledger = ledger.Ledger(path)
        self.directory = Directory(self._ledger)
        #: Notified at each change.
        self.changed = asyncio.Condition()
        #: Number of the last change of a message.
        self.revision = 0
        #: The revision in which each message changed last, in that order; None when removed.
        self._touched: dict[int, tuple[int, Message | None]] = {}
        self._last_message_id = 0
        self._last_boost_id = 0
        self._now = now or (lambda: datetime.now(UTC))
        for kind, value in lines:
            self._recall(kind, value)

    def close(self) -> None:
        """Let go of the file."""
        self._ledger.close()

    async def post(
        self,
        room: Room,
        creator: Account,
        *,
        html: str | None,
        filename: str | None = None,
        content: bytes | None = None,
    ) -> Message:
        """Add a message to *room*: a text, or a file."""
        self._last_message_id += 1
        message = Message(
            id=self._last_message_id,
            room_id=room.id,
            creator=creator,
            html=html,
            plain=plain_text(html or "", self.directory.names) if filename is None else filename,
            filename=filename,
            content=content,
            created_at=self._now(),
        )
        return await self._put(message)

    async def edit(self, message: Message, html: str) -> Message:
        """Give *message* another text."""
        text = plain_text(html, self.directory.names)
        current = self._current(message)
        edits = (*current.edits, current.html or "")
        return await self._put(replace(current, html=html, plain=text, edits=edits))

    async def boost(self, message: Message, booster: Account, content: str) -> Boost:
        """Add a reaction."""
        self._last_boost_id += 1
        boost = Boost(
            id=self._last_boost_id, content=content, booster=booster, created_at=self._now()
        )
        current = self._current(message)
        await self._put(replace(current, boosts=(*current.boosts, boost)))
        return boost

    async def remove_boost(self, message: Message, boost: Boost) -> None:
        """Take a reaction back."""
        current = self._current(message)
        rest = tuple(other for other in current.boosts if other.id != boost.id)
        await self._put(replace(current, boosts=rest))

    async def remove(self, message: Message) -> None:
        """Take a message away."""
        self.directory.rooms[message.room_id].remove(message.id)
        self._ledger.write("removed", {"room": message.room_id, "id": message.id})
        await self._touch(message.id, None)

    def changed_since(self, revision: int) -> list[tuple[int, Message | None]]:
        """Return id and message (None: removed) of what changed after *revision*, in order."""
        changes = []
        for message_id, (touched, message) in reversed(self._touched.items()):
            if touched <= revision:
                break
            changes.append((message_id, message))
        return changes[::-1]

    async def tell(self) -> None:
        """Wake those who wait for a change, also of something beside the messages."""
        async with self.changed:
            self.changed.notify_all()

    def _current(self, message: Message) -> Message:
        """Return the version of *message* that stands in its room: the caller's may be older."""
        return self.directory.rooms[message.room_id].find(message.id) or message

    async def _put(self, message: Message) -> Message:
        self.directory.rooms[message.room_id].put(message)
        self._ledger.write("message", ledger.message_line(message))
        await self._touch(message.id, message)
        return message

    async def _touch(self, message_id: int, message: Message | None) -> None:
        self.revision += 1
        self._touched.pop(message_id, None)
        self._touched[message_id] = (self.revision, message)
        await self.tell()

    def _recall(self, kind: str, value: ledger.Line) -> None:
        match kind:
            case "message":
                message = ledger.message_from(value, self.directory.accounts)
                self.directory.rooms[message.room_id].put(message)
                self._last_message_id = max(self._last_message_id, message.id)
                self._last_boost_id = max(self._last_boost_id, *(b.id for b in message.boosts), 0)
            case "removed":
                self.directory.rooms[value["room"]].remove(value["id"])
            case _:
                self.directory.recall(kind, value)
