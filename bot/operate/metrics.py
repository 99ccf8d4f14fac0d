"""What Prometheus sees. No room and no person is in a label."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Protocol

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    Metric,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily

from bot.errors import JournalError
from bot.journal.views import JournalStatistics, Tally
from bot.operate.families import journal_families, message_families, session_families
from bot.rooms.report import TurnReport
from bot.sessions.statistics import SessionsStatistics

#: Seconds. Our own share of a turn is about 20 ms, the model's goes up to minutes.
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180, 600)


class Journal(Protocol):
    """The journal, as far as it is measured."""

    async def tally(self) -> Tally:
        """Read the equation."""
        ...

    def statistics(self) -> JournalStatistics:
        """Read what the writer did."""
        ...


class Metrics:
    """Counts what happens, and renders it together with what others know."""

    def __init__(
        self, journal: Journal, sessions: Callable[[], SessionsStatistics], *, version: str
    ) -> None:
        # The library has no annotation there; without the call, every series comes twice.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._journal = journal
        self._known = _Known(journal, sessions)
        self._registry = CollectorRegistry()
        self._registry.register(self._known)
        ProcessCollector(registry=self._registry)
        self._version = version
        self._build = Info("hearth_build", "What runs here.", registry=self._registry)
        self._build.info({"version": version})
        self._refused = self._counter("refused", "Deliveries not accepted.", "reason")
        self._ignored = self._counter("ignored", "Deliveries that asked for nothing.", "why")
        self._repeated = self._counter("repeated", "Deliveries that came before.")
        self._held = self._counter("loops", "Messages that only kept a loop going.", "what")
        self._turn = self._histogram("turn", "From acceptance to the end of the turn.")
        self._first = self._histogram("first_token", "From the prompt to its first token.")
        self._queue = self._histogram("queue", "From acceptance to the start of the turn.")
        self._open = self._histogram("open", "From the start of the turn to its prompt.")
        self._post = self._histogram("post", "From the frozen reply to its last posted part.")
        self._free = Gauge(
            "hearth_disk_free_bytes",
            "Free on the disk of the session cache, at the last look.",
            registry=self._registry,
        )

    def runs(self, *, sdk: str, child: str) -> None:
        """Tell which agent was found: versions of the package and of its child."""
        self._build.info({"version": self._version, "sdk": sdk, "child": child})

    def refused(self, reason: str) -> None:
        """Count a delivery that was not accepted. *reason* is one of a few words of ours."""
        self._refused.labels(reason).inc()

    def ignored(self, why: str) -> None:
        """Count an authentic delivery that asked for nothing."""
        self._ignored.labels(why).inc()

    def repeated(self) -> None:
        """Count a delivery of a message that was accepted before."""
        self._repeated.inc()

    def held(self, what: str) -> None:
        """Count a message that gets no answer because of a loop: "announced" or "skipped"."""
        self._held.labels(what).inc()

    def disk_free(self, free_bytes: int) -> None:
        """Note how much room the disk has."""
        self._free.set(free_bytes)

    def turn(self, report: TurnReport) -> None:
        """Count a turn that ended."""
        path = report.path.value if report.path is not None else "none"
        self._turn.labels(path).observe(report.total_s)
        self._queue.labels(path).observe(report.wait_s)
        if report.open_s is not None:
            self._open.labels(path).observe(report.open_s)
        self._post.labels(path).observe(report.post_s)
        if report.first_token_s is not None:
            self._first.labels(path).observe(report.first_token_s)

    async def render(self) -> tuple[bytes, str]:
        """Return the text that Prometheus reads, and its content type.

        While the journal cannot be read the equation is left out, and ``hearth_journal_up`` is 0.
        """
        try:
            tally = await self._journal.tally()
        except JournalError:
            tally = None
        # No await from here on, so that another scrape cannot change the tally in between.
        self._known.tally = tally
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"hearth_{name}", meaning, labels, registry=self._registry)

    def _histogram(self, name: str, meaning: str) -> Histogram:
        return Histogram(
            f"hearth_{name}_seconds", meaning, ("path",), buckets=_SECONDS, registry=self._registry
        )


class _Known:
    """Collects, at each scrape, what others count."""

    def __init__(self, journal: Journal, sessions: Callable[[], SessionsStatistics]) -> None:
        self.tally: Tally | None = None
        self._journal = journal
        self._sessions = sessions

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("hearth_tasks", "Tasks of the server.", len(asyncio.all_tasks()))
        yield from message_families(self.tally)
        yield from journal_families(self._journal.statistics(), up=self.tally is not None)
        yield from session_families(self._sessions())

    def describe(self) -> tuple[Metric, ...]:
        """Promise nothing: otherwise the registry would collect once to learn the names."""
        return ()
