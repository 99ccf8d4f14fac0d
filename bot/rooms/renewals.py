"""Sessions that somebody wants to begin anew: forgotten as soon as nothing needs them any more.

The command is answered at once. What was said before it is still answered in the old session; then
that is deleted, with its transcript. What is said after it waits for that and begins anew, also
when the server went away in between: until it is done, the journal says that it is owed.
"""

from typing import Protocol

import structlog

from bot.errors import AgentStartFailed, JournalError
from bot.journal.orders import Orders
from bot.journal.views import Horizon
from bot.records import Entry, SessionKey
from bot.sessions.sessions import Sessions

log = structlog.get_logger(__name__)


class Journal(Protocol):
    """The journal, as far as this needs it."""

    @property
    def orders(self) -> Orders:
        """What commands have done."""
        ...


class Renewals:
    """The sessions that are to be forgotten."""

    def __init__(self, journal: Journal, sessions: Sessions) -> None:
        self._orders = journal.orders
        self._sessions = sessions
        self._owed: dict[SessionKey, Horizon] = {}

    async def resume(self) -> None:
        """Take up what an earlier process owed. Before the first turn."""
        for horizon in await self._orders.renewals_owed():
            self.owe(horizon)
            await self.look(horizon.key)

    def owe(self, horizon: Horizon) -> None:
        """Have the session from before *horizon* forgotten; a newer wish replaces an older one."""
        known = self._owed.get(horizon.key)
        if known is None or known.position < horizon.position:
            self._owed[horizon.key] = horizon

    async def before_turn(self, key: SessionKey) -> None:
        """Have the session forgotten, if that is due, before a turn begins in it.

        Raises AgentStartFailed when it resists.
        """
        if key in self._owed:
            try:
                await self._carry_out(key)
            except OSError as error:
                raise AgentStartFailed(f"the old session cannot be deleted: {error}") from error

    async def after_turn(self, entry: Entry) -> None:
        """Have sessions forgotten that only waited for *entry* to be answered."""
        message = entry.message
        for user in (None, message.author.id):
            await self.look(SessionKey(room=message.room, bot=message.bot, user=user))

    async def look(self, key: SessionKey) -> bool:
        """Have the session forgotten, if that is due; return whether nothing is left to do."""
        if key in self._owed:
            try:
                await self._carry_out(key)
            except (OSError, JournalError) as error:
                log.warning("session_unremovable", bot=key.bot, room=key.room, why=str(error))
        return key not in self._owed

    async def _carry_out(self, key: SessionKey) -> None:
        horizon = self._owed[key]
        if await self._orders.owes_before(horizon):
            return
        async with self._sessions.ending(key) as forget:
            if self._owed.get(key) is not horizon:
                return  # another has done it, or wants more than this
            if await self._orders.owes_before(horizon):
                return  # a reply that was all but frozen was taken back
            await forget()
            await self._orders.renewed(horizon)
            if self._owed[key] is horizon:
                del self._owed[key]
            log.info("session_renewed", bot=key.bot, room=key.room)
