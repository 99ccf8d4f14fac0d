import pytest

from bot.operate.health import (
    AGENT_MISSING,
    RECENT_S,
    Condition,
    Trouble,
    session_health,
    why_not_ready,
)
from bot.sessions.statistics import Warmth
from tests.operate.characters import make_session, make_statistics


def test_a_server_with_all_it_needs_is_ready() -> None:
    """Bots, a journal that takes writes, an agent, and nobody who stops it."""
    assert not why_not_ready(Condition(bots=1, journal=None, agent=True, draining=False))


def test_everything_that_is_missing_is_named() -> None:
    """Not only the first: an operator mends all in one go."""
    reasons = why_not_ready(Condition(bots=0, journal="is full", agent=False, draining=True))
    assert reasons == (
        "server: is stopping",
        "bots: none is loaded",
        "journal: is full",
        AGENT_MISSING,
    )


def test_quiet_sessions_are_well() -> None:
    """Old deaths do not count for ever."""
    health = session_health(
        make_statistics(make_session(), died=9), died_recently=0, lost_recently=0, agent=True
    )
    assert health.status == "ok"
    assert (health.known, health.died) == (1, 9)


@pytest.mark.parametrize(
    ("died", "lost", "agent", "reason"),
    [
        (2, 0, True, "children: 2 ended on their own of late"),
        (0, 1, True, "sessions: 1 could not be resumed of late"),
        (0, 0, False, AGENT_MISSING),
    ],
)
def test_trouble_is_named(died: int, lost: int, agent: bool, reason: str) -> None:  # noqa: FBT001 - a table's column
    """One word for monitors, a sentence for people."""
    health = session_health(make_statistics(), died_recently=died, lost_recently=lost, agent=agent)
    assert health.status == "degraded"
    assert health.reasons == (reason,)


def test_a_full_house_is_trouble_only_when_all_are_busy() -> None:
    """An idle conversation makes room for another one at once."""
    busy = make_session(state=Warmth.HOT, busy=True)
    idle = make_session(state=Warmth.HOT)
    full = make_statistics(busy, busy, hot_limit=2)
    free = make_statistics(busy, idle, hot_limit=2)
    health = [
        session_health(each, died_recently=0, lost_recently=0, agent=True) for each in (full, free)
    ]
    assert [each.status for each in health] == ["degraded", "ok"]


def test_a_death_counts_for_a_while() -> None:
    """From the look that saw it first."""
    trouble, one = Trouble(), make_statistics(died=1, lost=2)
    assert trouble.since(make_statistics(), at=100.0) == (0, 0)
    assert trouble.since(one, at=200.0) == (1, 2)
    assert trouble.since(one, at=200.0 + RECENT_S - 1) == (1, 2)
    assert trouble.since(one, at=200.0 + RECENT_S) == (0, 0)
    assert trouble.since(make_statistics(died=3, lost=2), at=900.0) == (2, 0)


def test_looking_often_costs_no_memory() -> None:
    """Only changes are remembered."""
    trouble = Trouble()
    for moment in range(10_000):
        trouble.since(make_statistics(died=1), at=float(moment))
    assert len(trouble._looks) == 1
