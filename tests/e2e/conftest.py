"""What the tests of the whole server share."""

import logging
from collections.abc import AsyncIterator
from functools import partial

import pytest

from bot.operate.logs import configure_logging
from bot.rooms.showing import Pace
from tests.e2e.disk import Disk
from tests.e2e.watching import Log


@pytest.fixture
async def log(monkeypatch: pytest.MonkeyPatch, anyio_backend: str) -> AsyncIterator[Log]:  # noqa: ARG001 - makes it async
    """Give the log of the servers that the test runs in this process."""
    log = Log()
    monkeypatch.setattr("bot.app.configure_logging", partial(configure_logging, stream=log))
    yield log
    logging.getLogger().handlers.clear()


@pytest.fixture(autouse=True)
def unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show no turn under way, however slow the machine is; what is shown has tests of its own."""
    monkeypatch.setattr("bot.app.PACE", Pace(seen_s=3600.0, placeholder_s=3600.0))


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """Give the disk on which the journals of the test's servers are."""
    disk = Disk()
    monkeypatch.setattr("bot.app.open_journal", disk.open_journal)
    return disk
