"""Families of metrics made from statistics; nothing is kept."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from bot.journal.views import JournalStatistics, Tally
from bot.records import Outcome
from bot.sessions.statistics import SessionsStatistics, Warmth

_EQUATION = "accepted = answered + told + stopped + skipped + dead + hearth_messages_open."


def message_families(tally: Tally | None) -> Iterator[Metric]:
    """Yield the equation; nothing while it is unknown."""
    if tally is None:
        return
    messages = CounterMetricFamily("hearth_messages", f"Messages: {_EQUATION}", labels=["outcome"])
    for outcome in ("accepted", *Outcome):
        messages.add_metric([str(outcome)], getattr(tally, outcome))
    yield messages
    yield GaugeMetricFamily("hearth_messages_open", "Messages not answered yet.", tally.open)


def journal_families(statistics: JournalStatistics, *, up: bool) -> Iterator[Metric]:
    """Yield what the journal's writer did."""
    yield GaugeMetricFamily("hearth_journal_up", "Whether the journal could be read.", int(up))
    yield CounterMetricFamily(
        "hearth_journal_commits", "Commits, each one sync of the disk.", statistics.commits
    )
    yield CounterMetricFamily(
        "hearth_journal_commit_failures", "Commits that failed.", statistics.failures
    )
    yield GaugeMetricFamily(
        "hearth_journal_last_commit_seconds", "How long it took.", statistics.last_commit_s
    )


def session_families(statistics: SessionsStatistics) -> Iterator[Metric]:
    """Yield how many sessions there are and what it took to serve them."""
    for name, meaning, value in _levels(statistics):
        yield GaugeMetricFamily(f"hearth_{name}", meaning, value)
    for name, meaning, value in _totals(statistics):
        yield CounterMetricFamily(f"hearth_{name}", meaning, value)
    states = Counter(session.state for session in statistics.sessions)
    sessions = GaugeMetricFamily(
        "hearth_sessions", "Sessions, by how near they are to an answer.", labels=["state"]
    )
    for state in (Warmth.HOT, Warmth.WARM, Warmth.COLD):
        sessions.add_metric([state.value], states[state])
    yield sessions
    seats = CounterMetricFamily(
        "hearth_seats", "Turns seated, by the way to their conversation.", labels=["path"]
    )
    for path in Warmth:
        seats.add_metric([path.value], statistics.hits.get(path, 0))
    yield seats


def _levels(statistics: SessionsStatistics) -> Iterator[tuple[str, str, int]]:
    """Yield what goes up and down."""
    known, budget = len(statistics.sessions), statistics.memory_budget_bytes
    yield "sessions_known", "Sessions with a file or a conversation.", known
    yield "sessions_hot", "Open conversations.", statistics.hot
    yield "sessions_hot_limit", "Conversations that may be open at once.", statistics.hot_limit
    yield "spares", "Booted conversations, ready for a new room.", statistics.spares
    yield "boots_waiting", "Boots that wait for another's end.", statistics.boots_waiting
    yield "children_memory_bytes", "Memory of the agent's children.", statistics.memory_bytes
    if budget is not None:
        yield "children_memory_budget_bytes", "What they may take.", budget


def _totals(statistics: SessionsStatistics) -> Iterator[tuple[str, str, int]]:
    """Yield what only grows."""
    yield "sessions_evicted", "Conversations closed to make room.", statistics.evicted
    yield "sessions_recycled", "Conversations grown too large.", statistics.recycled
    yield "sessions_compacted", "Long conversations summed up.", statistics.compactions
    yield "sessions_lost", "Sessions that could not be resumed.", statistics.lost
    yield "sessions_recapped", "Turns that began with a recap.", statistics.recapped
    yield "children_booted", "Children started, spares included.", statistics.boots
    yield "children_died", "Children that ended on their own.", statistics.died
    yield "children_silenced", "Children ended because they were silent.", statistics.silenced
