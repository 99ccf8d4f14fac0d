"""What comes back on a schedule: old sessions and rows go, removed bots retire.

Every job is an object with a `run`, so that it can be run by hand and at any time.
"""

import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import structlog

from bot.config.bot import Bot
from bot.config.settings import Settings
from bot.journal.views import Expired, WaitingLane
from bot.operate.disk import DiskSpace
from bot.operate.schedule import Job
from bot.operate.waiting import Waiting

log = structlog.get_logger(__name__)

_MINUTE_S: Final = 60.0
_HOUR_S: Final = 3600.0


class Journal(Protocol):
    """The journal, as far as it needs upkeep."""

    async def lanes(self) -> tuple[WaitingLane, ...]:
        """Read how much waits in each lane."""
        ...

    async def open_messages(self, bot: str) -> int:
        """Count what *bot* still owes."""
        ...

    async def expire(self, *, settled_before: float, history_before: float) -> Expired:
        """Delete what is older."""
        ...


class Sessions(Protocol):
    """The sessions, as far as they need upkeep."""

    async def expire(
        self, ttl_s: Callable[[str], float], in_use: frozenset[tuple[str, str]]
    ) -> int:
        """Remove what was not used for its TTL."""
        ...


class Roster(Protocol):
    """The bots, as far as upkeep concerns them."""

    @property
    def bots(self) -> Mapping[str, Bot]:
        """The bots that take deliveries."""
        ...

    @property
    def retiring(self) -> Mapping[str, Bot]:
        """The bots whose files are gone and that may still owe an answer."""
        ...

    def serving(self, bot_id: str) -> Bot | None:
        """Return a bot of either sort."""
        ...

    def drop(self, bot_id: str) -> None:
        """Forget a retiring bot."""
        ...


class SessionExpiry:
    """Ends sessions whose TTL has run out and whose lane is empty."""

    def __init__(
        self,
        sessions: Sessions,
        journal: Journal,
        roster: Roster,
        *,
        ttl_s: Callable[[str], float],
    ) -> None:
        self._sessions = sessions
        self._journal = journal
        self._roster = roster
        self._ttl_s = ttl_s

    async def run(self) -> None:
        """Look at all sessions once."""
        waiting = Waiting(await self._journal.lanes())
        in_use = waiting.in_use({**self._roster.retiring, **self._roster.bots})
        removed = await self._sessions.expire(self._ttl_s, in_use)
        if removed:
            log.info("sessions_expired", sessions=removed)


class JournalRetention:
    """Deletes settled messages and exchanges that are older than they are kept."""

    def __init__(
        self,
        journal: Journal,
        *,
        dedupe_s: float,
        history_s: float,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._journal = journal
        self._dedupe_s = dedupe_s
        self._history_s = history_s
        self._now = now

    async def run(self) -> None:
        """Delete what is too old now."""
        now = self._now()
        expired = await self._journal.expire(
            settled_before=now - self._dedupe_s, history_before=now - self._history_s
        )
        if expired.messages or expired.exchanges:
            log.info("journal_expired", messages=expired.messages, exchanges=expired.exchanges)


class Retirement:
    """Drops removed bots that owe nothing.

    At the second look, not at the first: a delivery may have been on its way when the file went.
    """

    def __init__(self, journal: Journal, roster: Roster) -> None:
        self._journal = journal
        self._roster = roster
        self._free: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Look at all retiring bots once."""
        retiring = tuple(self._roster.retiring)
        free = {bot for bot in retiring if not await self._journal.open_messages(bot)}
        for bot in free & self._free:
            self._roster.drop(bot)
            log.info("bot_retired", bot=bot)
        self._free = frozenset(free - self._free)


def session_ttl(roster: Roster, default_s: float) -> Callable[[str], float]:
    """Return what tells a bot's TTL in seconds; *default_s* for a bot that is gone."""

    def ttl_s(bot_id: str) -> float:
        bot = roster.serving(bot_id)
        return default_s if bot is None else bot.session.ttl_s

    return ttl_s


def upkeep_jobs(
    sessions: Sessions,
    journal: Journal,
    roster: Roster,
    *,
    settings: Settings,
    disk_free: Callable[[int], None],
) -> tuple[Job, ...]:
    """Return the jobs of a server. *disk_free* is told the free bytes at every look."""
    ttl_s = session_ttl(roster, settings.session_ttl_s)
    expiry = SessionExpiry(sessions, journal, roster, ttl_s=ttl_s)
    retention = JournalRetention(journal, dedupe_s=settings.dedupe_s, history_s=settings.history_s)
    retirement = Retirement(journal, roster)
    disk = DiskSpace(settings.session_cache, note=disk_free)
    return (
        Job(name="sessions", every_s=_MINUTE_S, run=expiry.run),
        Job(name="journal", every_s=_HOUR_S, run=retention.run),
        Job(name="bots", every_s=_MINUTE_S, run=retirement.run),
        Job(name="disk", every_s=_MINUTE_S, run=disk.run),
    )
