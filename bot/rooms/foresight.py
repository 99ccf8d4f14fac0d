"""Begins what a message will need as soon as it has arrived."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from bot.config.bot import Bot
from bot.journal.stops import COMMANDS
from bot.records import Acceptance, Message, MessageKind, SessionKey
from bot.rooms.answering import session_key


class Inbox(Protocol):
    """Where messages are made durable."""

    def accept(self, message: Message, *, lane: str) -> asyncio.Future[Acceptance]:
        """Take a message; the future is done when it is on disk."""
        ...

    def on_new(self, tell: Callable[[str], None]) -> None:
        """Call *tell* with the lane of each message that is new and on disk."""
        ...


class Sessions(Protocol):
    """What can be opened before a turn asks for it."""

    def expect(self, bot: Bot, key: SessionKey, *, lane: str) -> None:
        """Have a session opened early."""
        ...


class Foresight:
    """An inbox that has the message's session opened while the message is on its way to the disk.

    It is only a hint: the turn decides anew, and a message that is not new opens what its room
    will need for the next one.
    """

    def __init__(
        self,
        inbox: Inbox,
        sessions: Sessions,
        bots: Callable[[str], Bot | None],
        *,
        on_message: Callable[[Message], None],
        on_lost: Callable[[], None],
        stopping: Callable[[], bool],
    ) -> None:
        self._inbox = inbox
        self._on_message = on_message
        #: Called when a message is lost that the platform does not send again.
        self.lost = on_lost
        self._sessions = sessions
        self._bots = bots
        self._stopping = stopping
        #: Whose sessions are expected already, in this turn of the loop: by bot, room and author.
        self._expected: set[tuple[str, str, str]] = set()

    def on_new(self, tell: Callable[[str], None]) -> None:
        """Call *tell* with the lane of each message that is new and on disk."""
        self._inbox.on_new(tell)

    def accept(self, message: Message, *, lane: str) -> asyncio.Future[Acceptance]:
        """Take a message, and have its session opened."""
        landing = self._inbox.accept(message, lane=lane)
        self._on_message(message)
        bot = self._bots(message.bot)
        # Off the record, it is asked beside the session.
        asks = message.kind is not MessageKind.BARE and not message.off_record
        if bot is not None and asks and not lane.startswith(COMMANDS) and not self._stopping():
            self._expect(bot, message, lane)
        return landing

    def _expect(self, bot: Bot, message: Message, lane: str) -> None:
        """Have the session opened; of several messages that come in a rush, for the first one."""
        whose = bot.id, message.room, message.author.id
        if whose in self._expected:
            return
        if not self._expected:
            asyncio.get_running_loop().call_soon(self._expected.clear)
        self._expected.add(whose)
        self._sessions.expect(bot, session_key(bot, message), lane=lane)
