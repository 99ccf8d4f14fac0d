"""How many conversations are open at once, and who is next when that is too few."""

import asyncio
from collections.abc import Awaitable, Callable


class Slots:
    """The places for open conversations.

    Whoever waits is served in turn. The first in line makes room itself, by closing a conversation
    that nobody uses, and looks again whenever that may have become possible.
    """

    def __init__(self, limit: int, make_room: Callable[[], Awaitable[bool]]) -> None:
        self.limit = limit
        self.taken = 0
        self._make_room = make_room
        self._line = asyncio.Lock()
        self._changed = asyncio.Event()

    async def take(self) -> None:
        """Wait for a place. Each one that was taken has to be given back."""
        async with self._line:
            while self.taken >= self.limit:
                self._changed.clear()
                if not await self._make_room():
                    await self._changed.wait()
            self.taken += 1

    def give_back(self) -> None:
        """Free a place: its conversation is gone."""
        self.taken -= 1
        self._changed.set()

    def look_again(self) -> None:
        """Say that a conversation is not in use any more."""
        self._changed.set()
