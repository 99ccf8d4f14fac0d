"""Whether the server is ready, and whether its sessions are well: decisions without I/O."""

from collections import deque
from dataclasses import dataclass, field

from bot.sessions.statistics import SessionsStatistics

#: Seconds for which a dead child or a lost session counts as trouble.
RECENT_S = 300.0

AGENT_MISSING = "agent: cannot be started, see the log"


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """What readiness depends on, at one moment."""

    #: Bots that take deliveries.
    bots: int
    #: Why the journal takes nothing, in words that name no path; None when it does.
    journal: str | None
    #: Whether the agent's child was found fit at the start.
    agent: bool
    draining: bool


def why_not_ready(condition: Condition) -> tuple[str, ...]:
    """Name everything that keeps the server from doing its work; empty when it is ready."""
    reasons = {
        "server: is stopping": condition.draining,
        "bots: none is loaded": condition.bots == 0,
        f"journal: {condition.journal}": condition.journal is not None,
        AGENT_MISSING: not condition.agent,
    }
    return tuple(reason for reason, holds in reasons.items() if holds)


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionHealth:
    """How the sessions are, as ``/health/sessions`` says it."""

    #: Why they are not well; empty when they are.
    reasons: tuple[str, ...]
    known: int
    hot: int
    hot_limit: int
    #: Of the hot ones, how many are in a turn.
    busy: int
    lost: int
    lost_recently: int
    died: int
    died_recently: int
    evicted: int

    @property
    def status(self) -> str:
        """One word for a monitor."""
        return "degraded" if self.reasons else "ok"


@dataclass(slots=True)
class Trouble:
    """Remembers at which moments children had died and sessions were lost."""

    #: (moment, died, lost), oldest first; the first is the newest that is old enough, if any is.
    _looks: deque[tuple[float, int, int]] = field(default_factory=lambda: deque([(0.0, 0, 0)]))

    def since(self, statistics: SessionsStatistics, *, at: float) -> tuple[int, int]:
        """Return how many children died and sessions were lost of late, and remember this look.

        "Of late" is `RECENT_S`; longer when nobody has looked for longer.
        """
        now = (at, statistics.died, statistics.lost)
        if now[1:] != self._looks[-1][1:]:
            self._looks.append(now)
        while len(self._looks) > 1 and self._looks[1][0] <= at - RECENT_S:
            self._looks.popleft()
        _, died, lost = self._looks[0]
        return statistics.died - died, statistics.lost - lost


def session_health(
    statistics: SessionsStatistics, *, died_recently: int, lost_recently: int, agent: bool
) -> SessionHealth:
    """Judge the sessions. *agent*: whether its child was found fit at the start."""
    busy = sum(session.busy for session in statistics.sessions)
    reasons = {
        AGENT_MISSING: not agent,
        f"children: {died_recently} ended on their own of late": died_recently > 0,
        f"sessions: {lost_recently} could not be resumed of late": lost_recently > 0,
        f"memory: all {statistics.hot_limit} conversations it allows are in a turn; other rooms"
        " wait": busy >= statistics.hot_limit,
    }
    return SessionHealth(
        reasons=tuple(reason for reason, holds in reasons.items() if holds),
        known=len(statistics.sessions),
        hot=statistics.hot,
        hot_limit=statistics.hot_limit,
        busy=busy,
        lost=statistics.lost,
        lost_recently=lost_recently,
        died=statistics.died,
        died_recently=died_recently,
        evicted=statistics.evicted,
    )
