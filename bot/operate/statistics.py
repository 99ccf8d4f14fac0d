"""The statistics as JSON shows them. Moments are ISO 8601 in UTC, ages are seconds."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, fields
from datetime import datetime
from operator import attrgetter

from bot.config.bot import Bot
from bot.journal.views import Tally, WaitingLane
from bot.operate.lapse import left_s
from bot.operate.page import Window
from bot.operate.waiting import Waiting
from bot.rooms.statistics import LaneStatistics
from bot.sessions.statistics import SessionsStatistics, SessionStatistics

Shown = dict[str, object]

#: By hand, because `asdict` copies each value deeply: that would be half of the page's time.
_FIELDS = tuple(field.name for field in fields(SessionStatistics))


class SessionRows:
    """Renders sessions, with what their bots and lanes add to them."""

    def __init__(
        self,
        waiting: Waiting,
        *,
        serving: Callable[[str], Bot | None],
        ttl_s: Callable[[str], float],
        now: datetime,
    ) -> None:
        self._waiting = waiting
        self._serving = serving
        self._ttl_s = ttl_s
        self._now = now

    def show(self, statistics: SessionsStatistics, window: Window) -> Shown:
        """Return the totals and one window of the sessions, those used last first."""
        newest = sorted(statistics.sessions, key=attrgetter("last_used"), reverse=True)
        rows = newest[window.offset : window.offset + window.limit]
        return {
            "total": len(newest),
            "offset": window.offset,
            "hot": statistics.hot,
            "hot_limit": statistics.hot_limit,
            "spares": statistics.spares,
            "memory_bytes": statistics.memory_bytes,
            "memory_budget_bytes": statistics.memory_budget_bytes,
            "cost_usd": round(sum(row.cost_usd for row in newest), 6),
            "hits": {path.value: count for path, count in statistics.hits.items()},
            "spare_hits": statistics.spare_hits,
            "boots": statistics.boots,
            "boots_waiting": statistics.boots_waiting,
            "lost": statistics.lost,
            "recapped": statistics.recapped,
            "evicted": statistics.evicted,
            "recycled": statistics.recycled,
            "compactions": statistics.compactions,
            "died": statistics.died,
            "silenced": statistics.silenced,
            "sessions": [self._row(row) for row in rows],
        }

    def _row(self, row: SessionStatistics) -> Shown:
        bot = self._serving(row.bot)
        return {name: getattr(row, name) for name in _FIELDS} | {
            "created_at": row.created_at.isoformat(),
            "last_used": row.last_used.isoformat(),
            "cost_usd": round(row.cost_usd, 6),
            "age_s": round(max(0.0, (self._now - row.created_at).total_seconds()), 1),
            "queue": self._waiting.open(bot, row.room) if bot is not None else 0,
            "ttl_left_s": round(left_s(row, self._ttl_s(row.bot), now=self._now), 1),
        }


def show_queues(
    tally: Tally,
    waiting: Collection[WaitingLane],
    running: Collection[str],
    *,
    ended: Mapping[str, int],
    window: Window,
    now: datetime,
) -> Shown:
    """Return the equation, and one window of the lanes, the longest waiting first."""
    rows = tuple(waiting)[window.offset : window.offset + window.limit]
    return {
        "messages": asdict(tally) | {"balanced": tally.balanced},
        "turns": dict(ended),
        "running": len(running),
        "total": len(waiting),
        "offset": window.offset,
        "lanes": [asdict(_lane(row, running, now)) for row in rows],
    }


def _lane(row: WaitingLane, running: Collection[str], now: datetime) -> LaneStatistics:
    return LaneStatistics(
        lane=row.lane,
        open=row.open,
        running=row.lane in running,
        oldest_s=round(max(0.0, (now - row.oldest).total_seconds()), 3),
    )
