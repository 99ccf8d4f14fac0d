"""Whose conversation is closed when memory is short.

Spares go first, then the idle conversation that was used least recently. One in which something
runs never goes. And while others only wait for a place, one whose room is not done yet stays for a
few turns: a room with a backlog would otherwise lose its conversation after each, and nearly every
turn would boot a child. Nobody starves, since those few turns are counted from the boot, and
since a conversation that is not used for a moment has no such privilege.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from operator import attrgetter
from typing import Final

import structlog

from bot.sessions.conversations import Conversations
from bot.sessions.registry import Registry
from bot.sessions.session import Session
from bot.sessions.spares import Spares

log = structlog.get_logger(__name__)

#: Turns that a conversation may answer before it has to make room for a room that waits.
MOST_TURNS: Final = 4
#: For how long it is left to a room that is not done; the next turn comes within 50 ms.
FRESH_S: Final = 1.0


class Eviction:
    """Makes room."""

    def __init__(self, registry: Registry, spares: Spares) -> None:
        #: How many conversations were closed.
        self.evicted = 0
        #: Called when nothing may go, and somebody waits: whoever has a child for nobody ends it.
        self.on_lack: Callable[[], None] = _nothing
        self._registry = registry
        self._spares = spares

    async def make_room(self) -> bool:
        """Close one conversation; False when there is none that may go."""
        if await self._spares.drop_one():
            return True
        idle = self._idle()
        free = [session for session in idle if not self._is_fresh(session)]
        if free:
            await self._close(free[0])
        else:
            self.on_lack()
        return bool(free)

    async def relieve(self, conversations: Conversations) -> None:
        """Bring the children back within their budget, and more so when the machine is full."""
        allowance = conversations.allowance
        if allowance.strained():
            await self._halve()
        while allowance.over(conversations.pids):
            if await self._spares.drop_one():
                continue
            idle = self._idle()
            if not idle:
                return
            await self._close(idle[0])

    async def _halve(self) -> None:
        """Close all spares, and the older half of the idle conversations, at once."""
        idle = self._idle()
        log.warning("memory_strained", spares=len(self._spares), idle=len(idle))
        async with asyncio.TaskGroup() as group:
            for session in idle[: (len(idle) + 1) // 2]:
                group.create_task(self._close(session), name="evict")
            while await self._spares.drop_one():
                pass

    def _idle(self) -> list[Session]:
        """Return the sessions whose conversation nobody uses, the least recently used first."""
        idle = (s for s in self._registry if s.conversation is not None and s.idle)
        return sorted(idle, key=attrgetter("used_at"))

    def _is_fresh(self, session: Session) -> bool:
        rested = self._registry.now() - session.used_at
        waited_for = session.lane is not None and rested < timedelta(seconds=FRESH_S)
        return waited_for and session.served < MOST_TURNS

    async def _close(self, session: Session) -> None:
        if not session.idle:
            return  # somebody came in the meantime
        async with self._registry.holding(session):
            await session.close()
            session.evictions += 1
            self.evicted += 1


def _nothing() -> None:
    """Have nothing to give."""
