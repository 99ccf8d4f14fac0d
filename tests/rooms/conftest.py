"""A clock and a journal for every test of the rooms."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.journal import Journal
from tests.rooms.people import Clock, a_journal


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands at noon."""
    return Clock()


@pytest.fixture
async def journal(tmp_path: Path, clock: Clock) -> AsyncIterator[Journal]:
    """Give an empty open journal."""
    async with a_journal(tmp_path, clock) as journal:
        yield journal
