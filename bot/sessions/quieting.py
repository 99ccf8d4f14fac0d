"""Children that go on with what nobody waits for any more."""

import asyncio
from collections.abc import Collection

from bot.records import SessionKey
from bot.sessions.registry import Registry
from bot.sessions.session import Session


class Quieting:
    """Has a child drop what it was given in addition to a turn that has ended."""

    def __init__(self, registry: Registry, group: asyncio.TaskGroup) -> None:
        self._registry = registry
        self._group = group

    def drop(self, key: SessionKey, additions: Collection[str]) -> None:
        """Have the session of *key* answer *additions*, by their uuids, no more."""
        session = self._registry.get(key)
        if session is not None and session.conversation is not None:
            self._group.create_task(self._drop(session, additions), name=f"quiet {key.room}")

    async def _drop(self, session: Session, additions: Collection[str]) -> None:
        """Wait for the turn that runs, which is ended by whoever ends it."""
        async with self._registry.holding(session):
            if session.conversation is None:
                return
            await session.conversation.drop(additions)
            if not session.hot:
                await session.close()
