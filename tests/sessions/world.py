"""Sessions over fakes, and how a test talks to them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from bot.config.bot import Bot
from bot.records import SessionKey
from bot.sessions.seat import Seat
from bot.sessions.sessions import Sessions, open_sessions
from bot.sessions.statistics import SessionStatistics, Warmth
from tests.agent.bots import ADA
from tests.sessions.fakes import Clock, FakeAgent, FakePrompts, MemoryFiles

WATERCOOLER = SessionKey(room="1", bot="ada")


def room(number: int) -> SessionKey:
    """Return Ada's session of a room."""
    return SessionKey(room=str(number), bot="ada")


class World:
    """What the sessions stand on."""

    def __init__(self) -> None:
        self.agent = FakeAgent()
        self.files = MemoryFiles()
        self.prompts = FakePrompts()
        self.clock = Clock()
        self.sessions: Sessions

    @asynccontextmanager
    async def open(self, *, hot_limit: int = 4) -> AsyncIterator["World"]:
        """Open the sessions."""
        async with open_sessions(
            self.agent,  # type: ignore[arg-type]  # a fake with all that they use
            self.files,  # type: ignore[arg-type]  # as above
            self.prompts,
            hot_limit=hot_limit,
            now=self.clock,
        ) as self.sessions:
            yield self

    @asynccontextmanager
    async def seat(self, key: SessionKey = WATERCOOLER, bot: Bot = ADA) -> AsyncIterator[Seat]:
        """Take a seat for a message that was accepted now."""
        async with self.sessions.seat(bot, key, asked_at=self.clock()) as seat:
            yield seat

    async def turn(self, key: SessionKey = WATERCOOLER, bot: Bot = ADA) -> Warmth:
        """Run a turn; return the way it took."""
        async with self.seat(key, bot) as seat:
            await seat.ask("hello", prompt_uuid=str(uuid4()), timeout_s=1)
        return seat.path

    def session(self, key: SessionKey = WATERCOOLER) -> SessionStatistics:
        """Return what an operator sees of a session."""
        found = (s for s in self.sessions.statistics().sessions if s.room == key.room)
        return next(found)
