"""When session files are written, over a disk that the test controls."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import pytest

from bot.sessions.saving import Saving
from tests.sessions.fakes import Clock, MemoryFiles, file_of
from tests.sessions.world import WATERCOOLER, room

FILE = file_of(WATERCOOLER, Clock()())


@pytest.fixture
def files() -> MemoryFiles:
    """Return a disk that works."""
    return MemoryFiles()


@asynccontextmanager
async def saving_to(files: MemoryFiles) -> AsyncIterator[Saving]:
    """Save until the block ends, and what is left then."""
    saving = Saving(files, rest_s=0)  # type: ignore[arg-type]  # a fake with all that it uses
    async with asyncio.TaskGroup() as group:
        group.create_task(saving.run())
        yield saving
        saving.close()


def turns(files: MemoryFiles) -> list[int | None]:
    """Return what was written, in order."""
    return [file.turns for file in files.writes]


async def test_newest_state_wins(files: MemoryFiles) -> None:
    """States that come while the disk is busy are written once, the last of them."""
    async with saving_to(files) as saving:
        files.disk.clear()
        saving.soon(replace(FILE, turns=1))
        await anyio.wait_all_tasks_blocked()
        for number in (2, 3, 4):
            saving.soon(replace(FILE, turns=number))
        files.disk.set()
    assert turns(files) == [1, 4]


async def test_older_state_never_overwrites_a_newer(files: MemoryFiles) -> None:
    """Who waits to write its own state writes the newer one that came meanwhile."""
    async with saving_to(files) as saving:
        files.disk.clear()
        saving.soon(file_of(room(2), FILE.created_at, turns=0))
        await anyio.wait_all_tasks_blocked()
        async with asyncio.TaskGroup() as group:
            group.create_task(saving.now(replace(FILE, turns=1)))
            await anyio.wait_all_tasks_blocked()
            saving.soon(replace(FILE, turns=2))
            files.disk.set()
    assert turns(files) == [0, 2]


async def test_states_of_one_turn_are_written_together(files: MemoryFiles) -> None:
    """Nobody waits for the first of them; at the close nobody waits for the rest to pass."""
    saving = Saving(files, rest_s=3600)  # type: ignore[arg-type]  # a fake with all that it uses
    async with asyncio.TaskGroup() as group:
        group.create_task(saving.run())
        saving.soon(replace(FILE, turns=1))
        await anyio.wait_all_tasks_blocked()
        saving.soon(replace(FILE, turns=2))
        await anyio.wait_all_tasks_blocked()
        assert turns(files) == []
        saving.close()
    assert turns(files) == [2]


async def test_removal_beats_what_waits(files: MemoryFiles) -> None:
    """A removed session does not come back by a write that was still to be done."""
    async with saving_to(files) as saving:
        files.disk.clear()
        saving.soon(file_of(room(2), FILE.created_at))
        await anyio.wait_all_tasks_blocked()
        saving.soon(FILE)
        async with asyncio.TaskGroup() as group:
            group.create_task(saving.remove(FILE.key))
            await anyio.wait_all_tasks_blocked()
            files.disk.set()
    assert list(files.kept) == [room(2)]


async def test_removal_beats_a_write_under_way(files: MemoryFiles) -> None:
    """It waits for the write, and then deletes what that put there."""
    async with saving_to(files) as saving:
        files.disk.clear()
        saving.soon(FILE)
        await anyio.wait_all_tasks_blocked()
        async with asyncio.TaskGroup() as group:
            group.create_task(saving.remove(FILE.key))
            await anyio.wait_all_tasks_blocked()
            files.disk.set()
    assert files.kept == {}


async def test_everything_is_written_at_the_close(files: MemoryFiles) -> None:
    """Nothing that was given before the close is left out."""
    async with saving_to(files) as saving:
        files.disk.clear()
        for number in range(5):
            saving.soon(file_of(room(number), FILE.created_at))
        files.disk.set()
    assert list(files.kept) == [room(number) for number in range(5)]


async def test_full_disk_is_tried_again_with_the_next_write(files: MemoryFiles) -> None:
    """A write that failed is made up for when another room's is due."""
    async with saving_to(files) as saving:
        files.error = OSError(28, "No space left on device")
        saving.soon(FILE)
        await anyio.wait_all_tasks_blocked()
        files.error = None
        saving.soon(file_of(room(2), FILE.created_at))
        await anyio.wait_all_tasks_blocked()
        assert list(files.kept) == [WATERCOOLER, room(2)]


async def test_full_disk_does_not_hold_up_the_close(files: MemoryFiles) -> None:
    """What cannot be written at the end is said in the log, once, and given up."""
    async with saving_to(files) as saving:
        files.error = OSError(28, "No space left on device")
        saving.soon(FILE)
    assert files.kept == {}


async def test_who_waits_for_the_disk_is_told(files: MemoryFiles) -> None:
    """A session that must be on disk first is not begun without."""
    async with saving_to(files) as saving:
        files.error = OSError(28, "No space left on device")
        with pytest.raises(OSError, match="No space left"):
            await saving.now(FILE)
        files.error = None
