"""Fifty hot rooms in which nobody says anything.

To reach: children and server together under 10 % of one core, the server alone under 1 %.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from tests.benchmarks.servers import Served
from tests.benchmarks.stage import open_stage
from tests.benchmarks.watching import below, children_bytes, cpu_s

_ROOMS = 50
_REST_S = 20.0
_WATCH_S = 60.0
_LIMIT_ALL = 0.10
_LIMIT_SERVER = 0.01


async def main(rooms: int = _ROOMS) -> None:
    """Open so many rooms, let them rest, and look at the processors."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            open_stage(Path(folder)) as stage,
            stage.serving(HEARTH_MEMORY_BUDGET="12GiB") as served,
        ):
            for number in range(rooms):
                await stage.ask(stage.room(f"Room {number}"), "hello")
            await asyncio.sleep(_REST_S)
            page = await served.get("/session/stats?limit=0")
            server, children = await _watch(served)
            taken = children_bytes(below(served.pid))
    everything = server + children
    print(
        f"{page['hot']} hot rooms, {taken / 2**20:.0f} MiB"
        f" (by the server's own count {page['memory_bytes'] / 2**20:.0f}):"
        f" children {children:.2%} of a core, server {server:.2%}\n"
        f"together {everything:.2%}, of the limit of {_LIMIT_ALL:.0%}:"
        f" {everything / _LIMIT_ALL:.2f}; server, of the limit of {_LIMIT_SERVER:.0%}:"
        f" {server / _LIMIT_SERVER:.2f}"
    )


async def _watch(served: Served) -> tuple[float, float]:
    """Return the part of one core that the server takes, and that its children take."""
    pids = below(served.pid)
    started = time.perf_counter()
    server, children = cpu_s(served.pid), sum(map(cpu_s, pids))
    await asyncio.sleep(_WATCH_S)
    took = time.perf_counter() - started
    return (cpu_s(served.pid) - server) / took, (sum(map(cpu_s, pids)) - children) / took


if __name__ == "__main__":
    uvloop.run(main(*map(int, sys.argv[1:])))
