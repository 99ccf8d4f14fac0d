"""Sessions that have outlived their TTL: nothing resumes them, though no sweep has come by yet."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from bot.sessions.statistics import SessionsStatistics, SessionStatistics, Warmth


def left_s(session: SessionStatistics, ttl_s: float, *, now: datetime) -> float:
    """Return how long a session is resumed from its file, if nobody uses it before."""
    return max(0.0, ttl_s - (now - session.last_used).total_seconds())


class Lapse:
    """Statistics in which what has outlived its TTL is as cold as the next message will find it."""

    def __init__(
        self,
        statistics: Callable[[], SessionsStatistics],
        *,
        ttl_s: Callable[[str], float],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._statistics = statistics
        self._ttl_s = ttl_s
        self._now = now

    def statistics(self) -> SessionsStatistics:
        """Return what an operator sees."""
        found, now = self._statistics(), self._now()
        return replace(found, sessions=tuple(self._seen(one, now) for one in found.sessions))

    def _seen(self, session: SessionStatistics, now: datetime) -> SessionStatistics:
        if session.state is not Warmth.WARM or left_s(session, self._ttl_s(session.bot), now=now):
            return session
        return replace(session, state=Warmth.COLD)
