"""How many children boot at once: a boot keeps two cores busy for a quarter of a second."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.agent.line import Line, Ticket


class Boots:
    """Lets children boot, a few at once.

    Whom nobody waits for begins only while no other boots; and does not keep the others waiting,
    who have all places to themselves.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._line = Line()
        self._inside: list[Ticket] = []

    @property
    def waiting(self) -> int:
        """How many wait for another's end."""
        return len(self._line)

    @asynccontextmanager
    async def admitted(self, ticket: Ticket) -> AsyncIterator[None]:
        """Wait until a child may boot; it does until the block ends."""
        with self._line.joined(ticket):
            while not self._free(ticket):
                await ticket.change()
            self._inside.append(ticket)
        try:
            yield
        finally:
            self._inside.remove(ticket)
            self._line.look_again()

    def _free(self, ticket: Ticket) -> bool:
        if self._line.first is not ticket:
            return False
        if ticket.urgency.background:
            return not self._inside
        # A child that boots for nobody and is wanted meanwhile counts from then on.
        return sum(not other.urgency.background for other in self._inside) < self._limit
