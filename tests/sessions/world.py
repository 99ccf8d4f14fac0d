"""Sessions over fakes, and how a test talks to them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import anyio

from bot.config.bot import Bot
from bot.records import SessionKey
from bot.sessions.assembly import open_sessions
from bot.sessions.budget import Allowance, Budget
from bot.sessions.seat import Seat
from bot.sessions.session import Session
from bot.sessions.sessions import Sessions
from bot.sessions.spares import Spares
from bot.sessions.statistics import SessionStatistics, Warmth
from tests.agent.bots import ADA
from tests.sessions.fakes import (
    Clock,
    FakeAgent,
    FakeConversation,
    FakePrompts,
    FakeSamples,
    MemoryFiles,
)

WATERCOOLER = SessionKey(room="1", bot="ada")


def room(number: int) -> SessionKey:
    """Return Ada's session of a room."""
    return SessionKey(room=str(number), bot="ada")


def lane(key: SessionKey) -> str:
    """Return the lane of a session's room."""
    return f"campfire/{key.room}"


class World:
    """What the sessions stand on."""

    def __init__(self) -> None:
        self.agent = FakeAgent()
        self.files = MemoryFiles()
        self.prompts = FakePrompts()
        self.samples = FakeSamples()
        self.clock = Clock()
        #: The bots that take messages.
        self.bots = {"ada": ADA}
        #: How full the machine is.
        self.pressure = 0.0
        #: How long no spare is started after failures.
        self.pause_s = 0.0
        self.spares: Spares
        self.sessions: Sessions

    @asynccontextmanager
    async def open(
        self,
        *,
        hot_limit: int = 4,
        budget_bytes: int = 2**40,
        child_bytes: int = 2**40,
        spares: int = 0,
        held: bool = False,
    ) -> AsyncIterator["World"]:
        """Open the sessions."""
        budget = Budget(most_bytes=budget_bytes, most=hot_limit, child_bytes=child_bytes)
        self.spares = Spares(
            self.agent,  # type: ignore[arg-type]  # a fake with all that they use
            lambda: self.bots,
            each=lambda: spares,
            pause_s=lambda _failures: self.pause_s,
        )
        if held:
            self.spares.hold()
        async with open_sessions(
            self.agent,  # type: ignore[arg-type]  # a fake with all that they use
            self.files,  # type: ignore[arg-type]  # as above
            self.prompts,
            spares=self.spares,
            allowance=Allowance(budget, self.samples, lambda: self.pressure),
            samples=self.samples,  # type: ignore[arg-type]  # as above
            now=self.clock,
        ) as self.sessions:
            await anyio.wait_all_tasks_blocked()
            yield self

    @asynccontextmanager
    async def seat(self, key: SessionKey = WATERCOOLER, bot: Bot = ADA) -> AsyncIterator[Seat]:
        """Take a seat for a message that was accepted now, the only one of its room."""
        try:
            async with self.sessions.seat(bot, key, asked_at=self.clock(), lane=lane(key)) as seat:
                yield seat
        finally:
            self.sessions.lane_ended(lane(key))

    async def turn(self, key: SessionKey = WATERCOOLER, bot: Bot = ADA) -> Warmth:
        """Run a turn; return the way it took."""
        async with self.seat(key, bot) as seat:
            await ask(seat)
        return seat.path

    def early(self, key: SessionKey = WATERCOOLER, bot: Bot = ADA) -> None:
        """Let a message arrive."""
        self.sessions.expect(bot, key, lane=lane(key))

    def known(self, key: SessionKey = WATERCOOLER) -> Session:
        """Return a session."""
        found = self.sessions._registry.get(key)
        assert found is not None
        return found

    def session(self, key: SessionKey = WATERCOOLER) -> SessionStatistics:
        """Return what an operator sees of a session."""
        found = (s for s in self.sessions.statistics().sessions if s.room == key.room)
        return next(found)

    @property
    def hot(self) -> set[str]:
        """The rooms whose conversation is open."""
        shown = self.sessions.statistics().sessions
        return {session.room for session in shown if session.state is Warmth.HOT}

    @property
    def pool(self) -> list[FakeConversation]:
        """Ada's spares."""
        return [*self.spares._pool.get("ada", [])]  # type: ignore[list-item]  # the fakes


async def ask(seat: Seat) -> None:
    """Ask something in a seat."""
    await seat.ask("hello", prompt_uuid=str(uuid4()), timeout_s=1, silence_s=1)
