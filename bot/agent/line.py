"""Who is next where there is not enough for all: the most urgent, then who came first."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from operator import attrgetter


class Urgency(IntEnum):
    """Why a child is wanted. Who waits for it goes before who may need it."""

    #: A turn waits for it.
    TURN = 0
    #: Its message has arrived, its turn has not begun.
    EARLY = 1
    #: It takes the place of another child, which had grown too large.
    AGAIN = 2
    #: Its room was used lately, and nobody has asked yet.
    AHEAD = 3
    #: It is for no room yet.
    SPARE = 4

    @property
    def background(self) -> bool:
        """Whether nobody would miss it now."""
        return self >= Urgency.AGAIN


class Ticket:
    """A wish for a child. It may become more urgent while it waits."""

    def __init__(self, urgency: Urgency, *, deadline: float | None = None) -> None:
        self.urgency = urgency
        #: When it stops to wait for a place, on the loop's clock; None: never.
        self.deadline = deadline
        #: Told when a turn comes to wait for it.
        self.on_hurry: Callable[[], None] = _unheard
        self._changed = asyncio.Event()

    def hurry(self, deadline: float | None = None) -> None:
        """Let it go before all others that no turn waits for."""
        self.urgency, self.deadline = Urgency.TURN, deadline
        self.on_hurry()
        self.look_again()

    def look_again(self) -> None:
        """Have whoever waits with it look whether it is next."""
        self._changed.set()

    async def change(self) -> None:
        """Wait until something may have changed since the last time."""
        await self._changed.wait()
        self._changed.clear()


class Line:
    """Those who wait for one thing. Each looks for itself whether there is any for the first."""

    def __init__(self) -> None:
        #: In the order of their coming.
        self._waiting: list[Ticket] = []

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def first(self) -> Ticket | None:
        """Who is next."""
        return min(self._waiting, key=attrgetter("urgency"), default=None)

    def look_again(self) -> None:
        """Say that something has changed: it concerns whoever is next, and nobody else."""
        if (first := self.first) is not None:
            first.look_again()

    @contextmanager
    def joined(self, ticket: Ticket) -> Iterator[None]:
        """Stand in the line until the end of the block, however that comes."""
        self._waiting.append(ticket)
        try:
            yield
        finally:
            self._waiting.remove(ticket)
            self.look_again()


def _unheard() -> None:
    """Take what nobody listens to yet."""
