"""The sessions that this process knows, and who has which for himself."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime

from bot.records import SessionKey
from bot.sessions.files import SessionFile
from bot.sessions.opening import new_session_id
from bot.sessions.session import Session


class Registry:
    """All sessions, by their keys."""

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        #: The time, for all that has to do with sessions.
        self.now = now
        #: Told whenever a session is not held any more.
        self.on_release: Callable[[], None] = _unheard
        self._sessions: dict[SessionKey, Session] = {}

    def __iter__(self) -> Iterator[Session]:
        return iter(tuple(self._sessions.values()))

    def know(self, found: Iterable[SessionFile]) -> None:
        """Take over the session files found at the start."""
        self._sessions.update((file.key, Session(file, stored=True)) for file in found)

    def get(self, key: SessionKey) -> Session | None:
        """Find a session."""
        return self._sessions.get(key)

    def drop(self, session: Session) -> None:
        """Forget a session, which the caller holds."""
        del self._sessions[session.file.key]

    @asynccontextmanager
    async def hold(self, key: SessionKey) -> AsyncIterator[Session]:
        """Hold the session of *key*; one that was removed meanwhile is made anew."""
        while True:
            session = self._sessions.get(key) or Session(self.new_file(key), stored=False)
            self._sessions[key] = session
            async with self.holding(session):
                if self._sessions.get(key) is session:
                    yield session
                    return

    @asynccontextmanager
    async def holding(self, session: Session) -> AsyncIterator[None]:
        """Hold a session."""
        try:
            async with session.held():
                yield
        finally:
            self.on_release()

    def new_file(self, key: SessionKey, session_id: str | None = None) -> SessionFile:
        """Return the file of a session that begins now."""
        now = self.now()
        return SessionFile(
            key=key,
            session_id=session_id or new_session_id(),
            created_at=now,
            last_used=now,
            turns=0,
        )


def _unheard() -> None:
    """Take what nobody listens to yet."""
