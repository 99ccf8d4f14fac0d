"""Every kind of journal behaves alike: these fixtures run a test on each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.journal import Journal
from tests.journal.engines import Clock, Engine, SqliteEngine


@pytest.fixture(params=["sqlite"])
def engine(tmp_path: Path) -> Engine:
    """Give each kind of journal in turn, empty."""
    return SqliteEngine(tmp_path / "journal.db")


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands at noon."""
    return Clock()


@pytest.fixture
async def journal(engine: Engine, clock: Clock) -> AsyncIterator[Journal]:
    """Give an empty open journal."""
    async with engine.open(now=clock) as journal:
        yield journal
