"""Whether the server can take messages now, asked as often as anybody likes."""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from bot.errors import JournalError
from bot.operate.health import Condition, why_not_ready

log = structlog.get_logger(__name__)

#: How long a look at the journal is good for: the page is open, and each look is a sync.
_FRESH_S: Final = 1.0
#: A disk that takes longer than this is no good for deliveries either.
_PATIENCE_S: Final = 2.0


class Journal(Protocol):
    """The journal, as far as readiness depends on it."""

    async def writable(self) -> None:
        """Return when a commit has reached the disk; else raise JournalUnavailable."""
        ...


class Readiness:
    """Looks at what the server stands on; at the journal once a second at most."""

    def __init__(
        self,
        journal: Journal,
        *,
        bots: Callable[[], int],
        agent: Callable[[], bool],
        draining: Callable[[], bool],
        now: Callable[[], float] = time.monotonic,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._journal = journal
        self._bots = bots
        self._agent = agent
        self._draining = draining
        self._now = now
        self._patience_s = patience_s
        self._looking = asyncio.Lock()
        self._looked: float | None = None
        self._failure: str | None = None
        self._told: tuple[str, ...] = ()

    async def why_not(self) -> tuple[str, ...]:
        """Return what is missing, in words without paths or secrets; empty when ready."""
        condition = Condition(
            bots=self._bots(),
            journal=await self._journal_failure(),
            agent=self._agent(),
            draining=self._draining(),
        )
        reasons = why_not_ready(condition)
        if reasons != self._told:
            self._told = reasons
            log.warning("not_ready", why=reasons) if reasons else log.info("ready")
        return reasons

    async def _journal_failure(self) -> str | None:
        """Return the last look's result; all that ask meanwhile wait for one look."""
        async with self._looking:
            if self._looked is None or self._now() - self._looked >= _FRESH_S:
                self._failure = await self._try()
                self._looked = self._now()
            return self._failure

    async def _try(self) -> str | None:
        try:
            async with asyncio.timeout(self._patience_s):
                await self._journal.writable()
        except TimeoutError:
            return f"no write within {self._patience_s:g} s"
        except JournalError as error:
            log.warning("journal_unavailable", why=str(error))
            return "cannot be written, see the log"
        return None
