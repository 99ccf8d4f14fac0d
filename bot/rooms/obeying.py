"""Accepts commands together with what they do; everything else goes by untouched."""

import asyncio
from collections.abc import Callable, Collection
from functools import partial
from typing import Protocol

import structlog

from bot.config.bot import Bot
from bot.errors import JournalError
from bot.journal.orders import Obeyed, Order, Orders, Renew
from bot.journal.stops import COMMANDS
from bot.journal.views import Horizon
from bot.records import Acceptance, Message, SessionKey
from bot.rooms.answering import session_key
from bot.rooms.commands import command_of, order_of
from bot.rooms.endings import Endings
from bot.rooms.renewals import Renewals

log = structlog.get_logger(__name__)


class Journal(Protocol):
    """Where messages are made durable."""

    @property
    def orders(self) -> Orders:
        """Where commands are, with what they do."""
        ...

    def accept(self, message: Message, *, lane: str) -> asyncio.Future[Acceptance]:
        """Take a message; the future is done when it is on disk."""
        ...

    def on_new(self, tell: Callable[[str], None]) -> None:
        """Call *tell* with the lane of each message that is new and on disk."""
        ...


class Obeying:
    """An inbox in which a command has taken effect when it is on disk."""

    def __init__(
        self,
        journal: Journal,
        bots: Callable[[str], Bot | None],
        endings: Endings,
        renewals: Renewals,
        drop: Callable[[SessionKey, Collection[str]], None],
    ) -> None:
        self._journal = journal
        self._bots = bots
        self._endings = endings
        self._renewals = renewals
        self._drop = drop
        self._tell: Callable[[str], None] = lambda _lane: None

    def on_new(self, tell: Callable[[str], None]) -> None:
        """Call *tell* with the lane of each message that is new and on disk."""
        self._tell = tell
        self._journal.on_new(tell)

    def accept(self, message: Message, *, lane: str) -> asyncio.Future[Acceptance]:
        """Take a message; the future is done when it is on disk."""
        if not lane.startswith(COMMANDS):
            return self._journal.accept(message, lane=lane)
        bot, command = self._bots(message.bot), command_of(message)
        order = order_of(bot, command, message) if bot and command else None
        if bot is None or order is None:
            return self._journal.accept(message, lane=lane)
        answer: asyncio.Future[Acceptance] = asyncio.get_running_loop().create_future()
        try:
            landing = self._journal.orders.obey(message, lane=lane, order=order)
        except JournalError as error:
            answer.set_exception(error)
        else:
            # Told by the journal, and not by whoever waits: that may have given up.
            landing.add_done_callback(partial(self._landed, message, bot, lane, order, answer))
        return answer

    def _landed(
        self,
        message: Message,
        bot: Bot,
        lane: str,
        order: Order,
        answer: asyncio.Future[Acceptance],
        landing: asyncio.Future[Obeyed],
    ) -> None:
        error = landing.exception()
        if error is not None:
            if not answer.done():
                answer.set_exception(error)
            return
        obeyed = landing.result()
        if obeyed.acceptance is Acceptance.NEW:
            self._take_effect(message, bot, order, obeyed)
            self._tell(lane)
        if not answer.done():
            answer.set_result(obeyed.acceptance)

    def _take_effect(self, message: Message, bot: Bot, order: Order, obeyed: Obeyed) -> None:
        """Do in this process what is true on disk."""
        log.info(
            "command_obeyed",
            bot=bot.id,
            room=message.room,
            message=message.id,
            order=type(order).__name__.lower(),
            stopped=len(obeyed.stopped.messages),
        )
        key = session_key(bot, message)
        for seq in (*obeyed.stopped.messages, *obeyed.stopped.cut):
            self._endings.end(seq)
        if obeyed.stopped.added:
            self._drop(key, obeyed.stopped.added)
        if isinstance(order, Renew):
            self._renewals.owe(
                Horizon(platform=message.platform, key=key, position=message.position)
            )
