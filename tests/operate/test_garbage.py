"""When garbage is looked for: never in anybody's way."""

import gc
from collections.abc import Iterator

import pytest

from bot.journal.views import JournalStatistics
from bot.operate.garbage import WORTH, GarbageCollection


class Server:
    """A journal and lanes in which what the test says happens."""

    def __init__(self) -> None:
        self.commits = 3
        self.running: list[str] = []
        self.left = WORTH

    def statistics(self) -> JournalStatistics:
        """Count the commits."""
        return JournalStatistics(
            commits=self.commits, failures=0, operations=0, largest_batch=0, last_commit_s=0.0
        )

    def job(self) -> GarbageCollection:
        """Return the job, for which it is journal and lanes."""
        return GarbageCollection(self, self, left=lambda: self.left)


class Ring:
    """Knows itself, so that it goes only when it is looked for."""

    ended = 0

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        """Count."""
        Ring.ended += 1


@pytest.fixture
def server() -> Server:
    """Give a server."""
    return Server()


@pytest.fixture(autouse=True)
def _garbage() -> Iterator[None]:
    """Leave a ring behind, which only the job looks for."""
    gc.collect()
    gc.disable()
    Ring.ended = 0
    Ring()
    yield
    gc.enable()
    gc.collect()


async def test_it_is_looked_for_once_it_is_quiet(server: Server) -> None:
    """That is: nothing was committed from one look to the next."""
    job = server.job()
    await job.run()
    assert Ring.ended == 0, "the start was something"
    server.commits += 1
    await job.run()
    assert Ring.ended == 0, "something has just happened"
    await job.run()
    assert Ring.ended == 1


async def test_it_is_not_looked_for_while_a_turn_runs(server: Server) -> None:
    """The model may think for minutes, in which nothing is committed."""
    job = server.job()
    server.running = ["a lane"]
    for _ in range(3):
        await job.run()
    assert Ring.ended == 0
    server.running = []
    await job.run()
    assert Ring.ended == 1


async def test_it_is_not_looked_for_when_there_can_be_little(server: Server) -> None:
    """An idle server looks for nothing, again and again."""
    job = server.job()
    server.left = WORTH - 1
    for _ in range(3):
        await job.run()
    assert Ring.ended == 0


async def test_what_was_made_is_counted(server: Server) -> None:
    """By the interpreter, from its own last look on."""
    job = GarbageCollection(server, server)
    await job.run()
    await job.run()
    assert Ring.ended == 0, "too little"
    many = [[number] for number in range(2 * WORTH)]
    await job.run()
    assert Ring.ended == 1
    assert many


async def test_what_the_interpreter_passed_over_is_counted_too(server: Server) -> None:
    """It has looked through what is new, and does not count what survived that."""
    job, survivor = GarbageCollection(server, server), Ring()
    await job.run()
    gc.collect(0)
    assert Ring.ended == 1, "the one of the fixture"
    del survivor
    await job.run()
    assert Ring.ended == 2
