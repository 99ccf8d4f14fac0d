"""Campfire or its proxy answers a post with a failure; it may have stored it all the same."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.testing.campfire import Campfire, Dialect
from tests.e2e.watching import Log
from tests.e2e.world import World, open_world


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a doubt last half a second instead of 20 s."""
    monkeypatch.setattr("bot.rooms.lookup.POST_TIMEOUT_S", 0.5)


def marks(world: World) -> int:
    """Count the parts that are known as possible duplicates."""
    path = world.cache / "journal.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        (count,) = db.execute("SELECT total(possible_duplicate) FROM outbox").fetchone()
    return int(count)


def methods(campfire: Campfire) -> list[str]:
    """Return what was asked of Campfire's bot API, without the looks of the catching up."""
    calls = [call.method for call in campfire.api_calls]
    return calls[calls.index("POST") :]


@pytest.mark.parametrize("status", [500, 504])
async def test_what_was_stored_is_found(tmp_path: Path, status: int) -> None:
    """With a history: the answer stands in the room once, and nothing is called unknown."""
    async with open_world(tmp_path, dialect=Dialect.MAIN) as world, world.serving() as server:
        world.campfire.fail_posts(status, stored=True)
        await world.ask("@Ada")
        assert await server.settled() == {"accepted": 1, "told": 1}
        assert len(world.said_by(world.ada)) == 1
        assert marks(world) == 0


@pytest.mark.parametrize("status", [500, 504])
async def test_what_was_not_stored_is_looked_up_each_time(tmp_path: Path, status: int) -> None:
    """With a history: two failures in a row are no dead letter, and no mark."""
    async with open_world(tmp_path, dialect=Dialect.MAIN) as world, world.serving() as server:
        world.campfire.fail_posts(status, times=2)
        await world.ask("@Ada")
        assert await server.settled() == {"accepted": 1, "told": 1}
        assert len(world.said_by(world.ada)) == 1
        looks = 1 if status == 500 else 2  # a proxy's answer leaves Campfire time to store it
        assert methods(world.campfire) == [*(["POST", *["GET"] * looks] * 2), "POST"]
        assert marks(world) == 0


async def test_a_room_that_cannot_be_read_at_once(tmp_path: Path, log: Log) -> None:
    """The look is tried again as well, before anything is repeated."""
    async with open_world(tmp_path, dialect=Dialect.MAIN) as world, world.serving() as server:
        await log.until("started")
        world.campfire.fail_posts(504, stored=True)
        world.campfire.fail_reads(503, times=2)
        await world.ask("@Ada")
        assert await server.settled() == {"accepted": 1, "told": 1}
        assert len(world.said_by(world.ada)) == 1
        assert len(log.find("history_unreadable")) == 2


@pytest.mark.parametrize("status", [500, 504])
async def test_without_a_history_it_is_repeated_and_marked(
    tmp_path: Path, log: Log, status: int
) -> None:
    """Nobody can look: it is sent again as after other failures, and may stand there twice."""
    async with open_world(tmp_path, dialect=Dialect.RELEASED) as world, world.serving() as server:
        world.campfire.fail_posts(status, stored=True)
        await world.ask("@Ada")
        assert await server.settled() == {"accepted": 1, "told": 1}
        assert len(world.said_by(world.ada)) == 2
        assert marks(world) == 1
        assert f"was answered {status}" in log.find("part_repeated")[0]["why"]


@pytest.mark.parametrize("status", [500, 504])
async def test_without_a_history_two_failures_are_outlasted(tmp_path: Path, status: int) -> None:
    """A Campfire that fails for a while gets the answer once it works, once and marked."""
    async with open_world(tmp_path, dialect=Dialect.RELEASED) as world, world.serving() as server:
        world.campfire.fail_posts(status, times=2)
        await world.ask("@Ada")
        assert await server.settled() == {"accepted": 1, "told": 1}
        assert len(world.said_by(world.ada)) == 1
        assert marks(world) == 1
