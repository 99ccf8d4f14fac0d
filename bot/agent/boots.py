"""How many children boot at once, and when: a boot keeps two cores busy for a quarter of a second.

A turn beside it takes twice its time. So whoever boots for nobody waits until nothing has happened
for a moment, and holds still when something does.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from bot.agent.brake import Booting, Brake, NoBrake
from bot.agent.line import Line, Ticket

#: So long after a stir the processors are a turn's: its first prompt keeps the child busy for
#: 100 ms, a later one for 20; then the model has it.
MOMENT_S: Final = 0.15
#: With so many processors a boot takes none away from a turn.
ENOUGH: Final = 4
#: How long a boot for nobody waits for such a moment, where there is none.
MOST_WAIT_S: Final = 3.0


class Boots:
    """Lets children boot, a few at once.

    Whom nobody waits for begins only while no other boots; and does not keep the others waiting,
    who have all places to themselves.
    """

    def __init__(
        self, limit: int, *, moment_s: float = MOMENT_S, most_wait_s: float = MOST_WAIT_S
    ) -> None:
        self._limit = limit
        self._moment_s = moment_s
        self._most_wait_s = most_wait_s
        self._line = Line()
        self._inside: list[Booting] = []
        #: Ends the moment in which the processors are a turn's; it begins with the last stir.
        self._alarm: asyncio.TimerHandle | None = None
        self._stirred_at = 0.0

    @property
    def waiting(self) -> int:
        """How many wait for another's end."""
        return len(self._line)

    def stir(self) -> None:
        """Take note that a turn needs the processors now."""
        if self._limit >= ENOUGH:
            return
        loop = asyncio.get_running_loop()
        self._stirred_at = loop.time()
        if self._alarm is None:  # else everybody knows: in a rush, this is said with each delivery
            self._alarm = loop.call_later(self._moment_s, self._quiet)
            self._look()

    @asynccontextmanager
    async def admitted(self, ticket: Ticket, brake: Brake | None = None) -> AsyncIterator[None]:
        """Wait until a child may boot; it does until the block ends.

        *brake* holds it, and lets it go on.
        """
        came_at = asyncio.get_running_loop().time()
        with self._line.joined(ticket):
            while not self._free(ticket, came_at):
                await ticket.change()
            booting = Booting(ticket, brake or NoBrake())
            self._inside.append(booting)
        ticket.on_hurry = self._look
        try:
            yield
        finally:
            self._inside.remove(booting)
            self._release(booting)
            self._line.look_again()

    def release(self, ticket: Ticket) -> None:
        """Let a child that boots go on, whatever happens: one that holds still cannot end."""
        for booting in self._inside:
            if booting.ticket is ticket:
                self._release(booting)

    def _release(self, booting: Booting) -> None:
        booting.release(asyncio.get_running_loop().time())

    def _quiet(self) -> None:
        """Take note that nothing has happened for a moment, or else wait for that on."""
        loop = asyncio.get_running_loop()
        left_s = self._stirred_at + self._moment_s - loop.time()
        self._alarm = loop.call_later(left_s, self._quiet) if left_s > 0 else None
        self._look()

    def _look(self) -> None:
        """See who has to hold still, who may go on, and who is next."""
        now = asyncio.get_running_loop().time()
        for booting in self._inside:
            booting.look(now, busy=self._alarm is not None)
        self._line.look_again()

    def _free(self, ticket: Ticket, came_at: float) -> bool:
        if self._line.first is not ticket:
            return False
        if ticket.urgency.background:
            now = asyncio.get_running_loop().time()
            return not self._inside and (self._alarm is None or now - came_at >= self._most_wait_s)
        # A child that boots for nobody and is wanted meanwhile counts from then on.
        wanted = (booting for booting in self._inside if not booting.ticket.urgency.background)
        return sum(1 for _ in wanted) < self._limit
