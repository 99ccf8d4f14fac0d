"""Looking for garbage while nobody waits.

Turns leave none of ours: what they make goes by itself. Libraries leave some with each child, and
the interpreter would only look for it when megabytes have come together, in the middle of a rush.
"""

import gc
from collections.abc import Callable, Collection
from typing import Final, Protocol

import structlog

from bot.journal.views import JournalStatistics

log = structlog.get_logger(__name__)

#: So many objects are worth a look: about what forty children have left.
WORTH: Final = 1_000


class Journal(Protocol):
    """The journal, as far as it tells that something happens: whatever does is committed."""

    def statistics(self) -> JournalStatistics:
        """Read the counters."""
        ...


class Lanes(Protocol):
    """The lanes, as far as they tell what is being answered."""

    @property
    def running(self) -> Collection[str]:
        """The lanes in which a turn runs."""
        ...


class GarbageCollection:
    """Looks for garbage when no turn runs, and nothing was committed since the look before.

    It holds the loop. What was there when the server started is left out (`gc.freeze`).
    """

    def __init__(
        self, journal: Journal, lanes: Lanes, *, left: Callable[[], int] | None = None
    ) -> None:
        self._journal = journal
        self._lanes = lanes
        self._left = left or _left
        self._commits = 0

    async def run(self) -> None:
        """Look, if it is quiet and worth it."""
        before, self._commits = self._commits, self._journal.statistics().commits
        if self._commits == before and not self._lanes.running and self._left() >= WORTH:
            log.debug("garbage_collected", objects=gc.collect())


def _left() -> int:
    """Return how many objects were made since the last look, and are still there, at least."""
    young, middle, old = gc.get_count()
    return max(young, WORTH if middle or old else 0)
