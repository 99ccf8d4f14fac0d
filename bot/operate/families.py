"""Families of metrics made from statistics; nothing is kept."""

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from bot.journal.views import JournalStatistics
from bot.records import Outcome, Tally
from bot.sessions.statistics import SessionsStatistics

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
    memory = sum(session.memory_bytes or 0 for session in statistics.sessions)
    known = len(statistics.sessions)
    for name, meaning, value in (
        ("sessions_known", "Sessions with a file or a conversation.", known),
        ("sessions_hot", "Open conversations.", statistics.hot),
        ("sessions_hot_limit", "Conversations that may be open at once.", statistics.hot_limit),
        ("children_memory_bytes", "Resident memory of the agent's children.", memory),
    ):
        yield GaugeMetricFamily(f"hearth_{name}", meaning, value)
    for name, meaning, value in (
        ("sessions_evicted", "Conversations closed to make room.", statistics.evicted),
        ("sessions_lost", "Sessions that could not be resumed.", statistics.lost),
        ("children_died", "Children that ended on their own.", statistics.died),
    ):
        yield CounterMetricFamily(f"hearth_{name}", meaning, value)
    yield _turns_by_path(statistics)


def _turns_by_path(statistics: SessionsStatistics) -> Metric:
    seats = CounterMetricFamily(
        "hearth_seats", "Turns seated, by the way to their conversation.", labels=["path"]
    )
    for path, count in statistics.hits.items():
        seats.add_metric([path.value], count)
    return seats
