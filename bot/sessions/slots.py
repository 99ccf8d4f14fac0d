"""The line for one more open conversation, when there is no memory for it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from bot.agent.line import Line, Ticket
from bot.errors import NoPlace

#: How often whoever waits looks again, though nothing has happened.
LOOK_S: Final = 1.0


class Slots:
    """Hands out places for open conversations.

    *admits* says whether there is one. If not, the first in line makes room itself, by having a
    conversation closed that nobody uses, and looks again whenever that may have become possible.
    What nobody waits for never makes room, and takes no place while anybody wants one.
    """

    def __init__(
        self, admits: Callable[[Ticket], bool], make_room: Callable[[], Awaitable[bool]]
    ) -> None:
        self._admits = admits
        self._make_room = make_room
        self._line = Line()

    async def take(self, ticket: Ticket) -> None:
        """Wait for a place; the conversation has to be there before the caller waits again.

        Raises NoPlace at the ticket's deadline, and for the background at once.
        """
        background = ticket.urgency.background
        with self._line.joined(ticket):
            while self._line.first is not ticket or not self._admits(ticket):
                if background:
                    raise NoPlace("no place is free")
                if self._line.first is not ticket or not await self._make_room():
                    await self._change(ticket)

    def look_again(self) -> None:
        """Say that a conversation is gone, or not in use any more."""
        self._line.look_again()

    async def _change(self, ticket: Ticket) -> None:
        """Wait until something may have changed, but not beyond the ticket's deadline."""
        now = asyncio.get_running_loop().time()
        if ticket.deadline is not None and ticket.deadline <= now:
            raise NoPlace("every conversation is in use, and there is no memory for more")
        look_at = now + LOOK_S if self._line.first is ticket else None
        moments = [moment for moment in (ticket.deadline, look_at) if moment is not None]
        with suppress(TimeoutError):
            async with asyncio.timeout_at(min(moments, default=None)):
                await ticket.change()
