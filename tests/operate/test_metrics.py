from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.errors import JournalUnavailable
from bot.journal import Journal, JournalStatistics
from bot.journal.views import Tally
from bot.operate.metrics import Metrics
from bot.records import Outcome
from bot.rooms.report import TurnReport
from bot.sessions.statistics import Warmth
from tests.operate.characters import (
    LANE,
    WATERCOOLER,
    make_message,
    make_session,
    make_statistics,
)

Samples = dict[tuple[str, str], float]


async def samples(metrics: Metrics) -> Samples:
    """Scrape; give each value by its name and the values of its labels."""
    text, _ = await metrics.render()
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


@pytest.fixture
def metrics(journal: Journal) -> Metrics:
    """Give metrics over a real journal and two sessions."""
    hot = make_session(state=Warmth.HOT)
    return Metrics(
        journal,
        lambda: make_statistics(hot, make_session("8"), lost=3, died=1),
        version="1.2.3",
    )


def make_report(path: Warmth | None, *, first_token_s: float | None = 0.8) -> TurnReport:
    """Give a turn that took two seconds."""
    return TurnReport(
        bot="ada",
        room=WATERCOOLER,
        message="1",
        outcome=Outcome.ANSWERED,
        path=path,
        wait_s=0.02,
        open_s=None if path is None else 0.4,
        first_token_s=first_token_s,
        agent_s=1.5,
        post_s=0.3,
        total_s=2.0,
        parts=1,
    )


async def settle(journal: Journal, outcome: Outcome) -> None:
    """End the next open message."""
    entry = await journal.head(LANE)
    assert entry is not None
    await journal.settle(entry, outcome=outcome)


async def test_the_equation_is_exact(journal: Journal, metrics: Metrics) -> None:
    """What was accepted is what ended plus what is open, at every scrape."""
    for number in range(7):
        await journal.accept(make_message(number), lane=LANE)
        found = await samples(metrics)
        ended = sum(found["hearth_messages_total", outcome] for outcome in Outcome)
        accepted = found["hearth_messages_total", "accepted"]
        assert accepted == number + 1 == ended + found["hearth_messages_open", ""]
        if number % 2:
            await settle(journal, list(Outcome)[number % 5])


async def test_each_outcome_has_its_row_from_the_start(metrics: Metrics) -> None:
    """A rate over a series that is not there yet says nothing."""
    found = await samples(metrics)
    outcomes = {labels for name, labels in found if name == "hearth_messages_total"}
    assert outcomes == {"accepted", "answered", "told", "stopped", "skipped", "dead"}


async def test_the_edge_counts_what_it_does_not_accept(metrics: Metrics) -> None:
    """Each reason has its own row."""
    metrics.refused("NotAuthentic")
    metrics.refused("NotAuthentic")
    metrics.ignored("own_message")
    metrics.repeated()
    found = await samples(metrics)
    assert found["hearth_refused_total", "NotAuthentic"] == 2
    assert found["hearth_ignored_total", "own_message"] == 1
    assert found["hearth_repeated_total", ""] == 1


async def test_turns_are_measured_by_their_path(metrics: Metrics) -> None:
    """A turn that did not ask the agent has no path and no first token."""
    metrics.turn(make_report(Warmth.HOT))
    metrics.turn(make_report(Warmth.SPARE))
    metrics.turn(make_report(None, first_token_s=None))
    found = await samples(metrics)
    for name, seconds in {"turn": 2.0, "first_token": 0.8, "queue": 0.02, "post": 0.3}.items():
        assert found[f"hearth_{name}_seconds_sum", "hot"] == seconds
    assert found["hearth_turn_seconds_count", "none"] == 1
    assert found["hearth_open_seconds_sum", "hot"] == 0.4
    assert found["hearth_turn_seconds_count", "spare"] == 1
    for name in ("first_token", "open"):
        assert (f"hearth_{name}_seconds_count", "none") not in found


async def test_sessions_journal_disk_and_process_are_measured(
    journal: Journal, metrics: Metrics
) -> None:
    """Whatever can run out or fail."""
    metrics.disk_free(12345)
    await journal.writable()
    found = await samples(metrics)
    expected = {
        "hearth_sessions_known": 2,
        "hearth_sessions_hot": 1,
        "hearth_sessions_hot_limit": 4,
        "hearth_sessions_evicted_total": 2,
        "hearth_sessions_lost_total": 3,
        "hearth_sessions_recycled_total": 4,
        "hearth_sessions_compacted_total": 6,
        "hearth_spares": 1,
        "hearth_boots_waiting": 3,
        "hearth_children_booted_total": 9,
        "hearth_children_died_total": 1,
        "hearth_children_silenced_total": 6,
        "hearth_children_memory_bytes": 1000,
        "hearth_children_memory_budget_bytes": 2000,
        "hearth_disk_free_bytes": 12345,
        "hearth_journal_up": 1,
        "hearth_journal_commit_failures_total": 0,
    }
    assert {name: found[name, ""] for name in expected} == expected
    seats = {"hot": 5, "spare": 7, "warm": 0, "cold": 1}
    assert {path: found["hearth_seats_total", path] for path in seats} == seats
    states = {"hot": 1, "warm": 1, "cold": 0}
    assert {state: found["hearth_sessions", state] for state in states} == states
    assert found["hearth_journal_commits_total", ""] >= 1
    assert found["hearth_journal_last_commit_seconds", ""] > 0
    assert found["process_resident_memory_bytes", ""] > 0
    assert found["hearth_tasks", ""] >= 1


async def test_what_runs_is_named(metrics: Metrics) -> None:
    """The agent's versions once they are known."""
    assert (await samples(metrics))["hearth_build_info", "1.2.3"] == 1
    metrics.runs(sdk="0.2", child="2.0")
    assert (await samples(metrics))["hearth_build_info", "2.0,0.2,1.2.3"] == 1


async def test_no_room_and_no_person_is_in_a_label(metrics: Metrics) -> None:
    """What is scraped is kept for long, and by others."""
    metrics.turn(make_report(Warmth.HOT))
    text, _ = await metrics.render()
    families = list(text_string_to_metric_families(text.decode()))
    labels = {label for family in families for sample in family.samples for label in sample.labels}
    assert labels <= {
        "outcome", "path", "le", "reason", "why", "version", "sdk", "child", "state",
    }  # fmt: skip


class BrokenJournal:
    """A journal whose disk is gone."""

    async def tally(self) -> Tally:
        """Fail."""
        raise JournalUnavailable("journal.db", "disk I/O error")

    def statistics(self) -> JournalStatistics:
        """Count one failure."""
        return JournalStatistics(
            commits=1, failures=1, operations=9, largest_batch=3, last_commit_s=0.1
        )


async def test_a_scrape_survives_the_journal() -> None:
    """Then of all times somebody wants to see the metrics."""
    metrics = Metrics(BrokenJournal(), make_statistics, version="1")
    found = await samples(metrics)
    assert found["hearth_journal_up", ""] == 0
    assert found["hearth_journal_commit_failures_total", ""] == 1
    assert not [name for name, _ in found if name.startswith("hearth_messages")]


async def test_a_budget_that_nobody_counts_has_no_row(journal: Journal) -> None:
    """A budget of nothing would look like one that is overrun."""
    statistics = replace(make_statistics(), memory_budget_bytes=None)
    found = await samples(Metrics(journal, lambda: statistics, version="1"))
    assert ("hearth_children_memory_budget_bytes", "") not in found


async def test_two_servers_in_a_process_count_apart(journal: Journal) -> None:
    """Nothing is registered globally."""
    first, second = (Metrics(journal, make_statistics, version="1") for _ in range(2))
    first.repeated()
    assert (await samples(second))["hearth_repeated_total", ""] == 0
