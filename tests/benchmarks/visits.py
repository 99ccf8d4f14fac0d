"""A thousand rooms visited in turn, under a budget of 1 GiB; some are visited again soon.

To reach: the children never take more than the budget, no turn fails, and most of those who come
back soon find their room hot. It takes about ten minutes; a number as argument visits fewer.
"""

import asyncio
import math
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import uvloop

from tests.benchmarks.servers import Served
from tests.benchmarks.stage import Stage, open_stage
from tests.benchmarks.watching import Gauge, settled

_ROOMS = 1000
_BUDGET_BYTES = 2**30
#: After a new room an old one is visited with this probability: the last one, or one further back.
_AGAIN = 0.5
#: How far back: each doubling of the distance is as likely as the one before, up to this.
_FURTHEST = 64
_VISITORS = 3
#: Longer than this and the rest is left out.
_MOST_S = 1200.0


async def main(rooms: int = _ROOMS) -> None:
    """Visit them, and look at the memory all the time."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            open_stage(Path(folder)) as stage,
            stage.serving(HEARTH_MEMORY_BUDGET=str(_BUDGET_BYTES)) as served,
        ):
            gauge = Gauge(served.pid)
            started = time.perf_counter()
            async with gauge.watching():
                visits = await _visit(stage, rooms)
            took = time.perf_counter() - started
            await _report(served, gauge, visits, took)


def plan(rooms: int, *, seed: int = 1) -> Iterator[int]:
    """Yield the numbers of the rooms that are visited, each new one after the one before."""
    chance = random.Random(seed)  # noqa: S311 - the same visits each time
    for number in range(rooms):
        yield number
        if number and chance.random() < _AGAIN:
            back = int(math.exp(chance.uniform(0, math.log(_FURTHEST))))
            yield max(0, number - back)


async def _visit(stage: Stage, rooms: int) -> list[tuple[int, float]]:
    """Have a few people go from room to room; return which were visited, and the seconds."""
    known = [stage.room(f"Room {number}") for number in range(rooms)]
    ahead = plan(rooms)
    visits: list[tuple[int, float]] = []
    until = time.perf_counter() + _MOST_S

    async def visitor() -> None:
        for number in ahead:
            took = await stage.timed(known[number], f"echo: visit {number}", expect=str(number))
            visits.append((number, took))
            if time.perf_counter() > until:
                return

    async with asyncio.TaskGroup() as group:
        for number in range(_VISITORS):
            group.create_task(visitor(), name=f"visitor {number}")
    return visits


async def _report(
    served: Served, gauge: Gauge, visits: list[tuple[int, float]], took: float
) -> None:
    await settled(served)
    queues = await served.get("/queue/stats")
    page = await served.get("/session/stats?limit=0")
    messages, hits = queues["messages"], page["hits"]
    seen = len({number for number, _ in visits})
    again = len(visits) - seen
    most, above = max(gauge.samples), sum(size > _BUDGET_BYTES for size in gauge.samples)
    times = sorted(seconds for _, seconds in visits)
    print(
        f"{len(visits)} turns in {seen} rooms, {took:.0f} s; {again} turns in a room seen before,"
        f" {hits.get('hot', 0)} of them hot: hit rate {hits.get('hot', 0) / max(1, again):.2f}\n"
        f"failed turns: {messages['told'] + messages['dead']}, open: {messages['open']}"
        f"; median {times[len(times) // 2] * 1000:.0f} ms, slowest {times[-1]:.1f} s\n"
        f"memory: {most / 2**20:.0f} MiB at most, of the budget of {_BUDGET_BYTES / 2**20:.0f} MiB:"
        f" {most / _BUDGET_BYTES:.2f}; above it in {above} of {len(gauge.samples)} looks;"
        f" {sum(gauge.samples) / len(gauge.samples) / _BUDGET_BYTES:.2f} in the mean\n"
        f"seats taken: {hits}; evicted {page['evicted']}, booted {page['boots']}"
    )


if __name__ == "__main__":
    uvloop.run(main(*map(int, sys.argv[1:])))
