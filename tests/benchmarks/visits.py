"""A thousand rooms visited in turn, under a budget of 1 GiB; some are visited again soon.

To reach: the children never take more than the budget, no turn fails, and most of those who come
back soon find their room hot. After twenty minutes no further room is visited; the report says how
many were. A number as argument visits fewer.
"""

import asyncio
import math
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import uvloop

from bot.testing.campfire.directory import Room
from tests.benchmarks.servers import Served
from tests.benchmarks.stage import Stage, WrongAnswer, open_stage
from tests.benchmarks.watching import Gauge, settled

_ROOMS = 1000
_BUDGET_BYTES = 2**30
#: After a new room an old one is visited with this probability: the last one, or one further back.
_AGAIN = 0.5
#: How far back: each doubling of the distance is as likely as the one before, up to this.
_FURTHEST = 64
_VISITORS = 3
#: No visit begins later than this.
_MOST_S = 1200.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """A question in a room, and what came of it."""

    room: int
    #: Seconds until the answer; None: there was none, or another one than was asked for.
    took_s: float | None


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
            await _report(served, gauge, visits, took, rooms)


def plan(rooms: int, *, seed: int = 1) -> Iterator[int]:
    """Yield the numbers of the rooms that are visited, each new one after the one before."""
    chance = random.Random(seed)  # noqa: S311 - the same visits each time
    for number in range(rooms):
        yield number
        if number and chance.random() < _AGAIN:
            back = int(math.exp(chance.uniform(0, math.log(_FURTHEST))))
            yield max(0, number - back)


async def _visit(stage: Stage, rooms: int) -> list[Visit]:
    """Have a few people go from room to room."""
    known = [stage.room(f"Room {number}") for number in range(rooms)]
    ahead = plan(rooms)
    visits: list[Visit] = []
    until = time.perf_counter() + _MOST_S

    async def visitor() -> None:
        for number in ahead:
            took_s = await _ask(stage, known[number], f"visit {number}")
            visits.append(Visit(room=number, took_s=took_s))
            if time.perf_counter() > until:
                return

    async with asyncio.TaskGroup() as group:
        for number in range(_VISITORS):
            group.create_task(visitor(), name=f"visitor {number}")
    return visits


async def _ask(stage: Stage, room: Room, words: str) -> float | None:
    """Ask for *words* and return how long they took; None when they did not come."""
    try:
        return await stage.timed(room, f"echo: {words}", expect=words)
    except (WrongAnswer, TimeoutError):
        return None


async def _report(
    served: Served, gauge: Gauge, visits: list[Visit], took: float, rooms: int
) -> None:
    await settled(served)
    queues = await served.get("/queue/stats")
    page = await served.get("/session/stats?limit=0")
    messages, hits = queues["messages"], page["hits"]
    seen = len({visit.room for visit in visits})
    again = len(visits) - seen
    most, above = max(gauge.samples), sum(size > _BUDGET_BYTES for size in gauge.samples)
    times = sorted(visit.took_s for visit in visits if visit.took_s is not None)
    failed = len(visits) - len(times)
    print(
        f"{len(visits)} turns in {seen} of {rooms} rooms, {took:.0f} s; {again} turns in a room"
        f" seen before, {hits.get('hot', 0)} of them hot:"
        f" hit rate {hits.get('hot', 0) / max(1, again):.2f}\n"
        f"failed turns: {failed} of {len(visits)}: {failed / len(visits):.4f}; the server's own"
        f" count: told {messages['told']}, dead {messages['dead']}, open {messages['open']}\n"
        f"{_speed(times)}\n"
        f"memory: {most / 2**20:.0f} MiB at most, of the budget of {_BUDGET_BYTES / 2**20:.0f} MiB:"
        f" {most / _BUDGET_BYTES:.2f}; above it in {above} of {len(gauge.samples)} looks;"
        f" {sum(gauge.samples) / len(gauge.samples) / _BUDGET_BYTES:.2f} in the mean\n"
        f"seats taken: {hits}; evicted {page['evicted']}, booted {page['boots']}"
    )


def _speed(times: list[float]) -> str:
    if not times:
        return "no turn was answered"
    return f"median {times[len(times) // 2] * 1000:.0f} ms, slowest {times[-1]:.1f} s"


if __name__ == "__main__":
    uvloop.run(main(*map(int, sys.argv[1:])))
