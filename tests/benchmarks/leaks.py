"""Two hundred rooms, about eight of them open at once, gone through five times.

To reach: the server's own memory grows by no more than 5 MiB after the first round, and nothing
else by anything: file descriptors, tasks, threads, processes. It takes several minutes; a number
as argument goes through fewer rooms.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

import uvloop

from bot.testing.campfire.directory import Room
from tests.benchmarks.servers import Served
from tests.benchmarks.stage import Stage, open_stage
from tests.benchmarks.watching import Census, sessions_until

_ROOMS = 200
_ROUNDS = 5
_BUDGET = "960MiB"
_VISITORS = 2
#: So that jobs come round, and what is about to be closed is closed.
_REST_S = 6.0
_LIMIT_BYTES = 5 * 2**20


async def main(rooms: int = _ROOMS) -> None:
    """Go through the rooms, and count what the server holds after each round."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            open_stage(Path(folder)) as stage,
            stage.serving(HEARTH_MEMORY_BUDGET=_BUDGET) as served,
        ):
            known = [stage.room(f"Room {number}") for number in range(rooms)]
            found: list[Census] = []
            for number in range(_ROUNDS):
                await _go_through(stage, known)
                found.append(await _at_rest(served))
                hot = (await served.get("/session/stats?limit=0"))["hot"]
                print(f"round {number + 1}: {found[-1]}, {hot} rooms hot", flush=True)
    _report(found[0], found[-1])


async def _go_through(stage: Stage, rooms: list[Room]) -> None:
    ahead = iter(rooms)

    async def visitor() -> None:
        for room in ahead:
            await stage.timed(room, "echo: here", expect="here")

    async with asyncio.TaskGroup() as group:
        for number in range(_VISITORS):
            group.create_task(visitor(), name=f"visitor {number}")


async def _at_rest(served: Served) -> Census:
    await asyncio.sleep(_REST_S)
    await sessions_until(served, lambda page: page["boots_waiting"] == 0)
    return await Census.of(served)


def _report(first: Census, last: Census) -> None:
    grown = last.memory_bytes - first.memory_bytes
    others = {
        name: getattr(last, name) - getattr(first, name)
        for name in ("fds", "threads", "tasks", "processes")
    }
    print(
        f"memory: {grown / 2**20:+.1f} MiB, of the limit of {_LIMIT_BYTES / 2**20:.0f} MiB:"
        f" {grown / _LIMIT_BYTES:.2f}; more or fewer: {others}"
    )


if __name__ == "__main__":
    uvloop.run(main(*map(int, sys.argv[1:])))
