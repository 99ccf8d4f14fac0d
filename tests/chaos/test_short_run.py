"""The short form of the proof; ``python -m tests.chaos`` is the long one."""

from pathlib import Path

import pytest

from bot.testing.campfire import Dialect
from tests.chaos.judge import judge
from tests.chaos.plan import make_plan
from tests.chaos.report import render
from tests.chaos.run import run_plan


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("dialect", "seed"), [(Dialect.MAIN, 5), (Dialect.RELEASED, 11)])
async def test_nothing_is_lost_or_repeated(tmp_path: Path, dialect: Dialect, seed: int) -> None:
    """Through kills, pauses and failures of chat and model; the report says what else there was."""
    plan = make_plan(seed=seed, seconds=20, rooms=12, messages=150, kills=3)
    history = await run_plan(plan, tmp_path, dialect=dialect, settle_s=120)
    verdict = judge(history)
    report = render(plan, history, verdict)
    assert not verdict.violations, report
    # A run in which nothing happened would prove nothing.
    assert sum(history.blows.values()) >= 3, report
    assert history.full, report
    assert sum(one.acknowledged_at is not None for one in history.asked) >= 20, report
