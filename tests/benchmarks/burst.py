"""Eight rooms say their first word at the same moment, against bare clients booted two at a time.

To reach: in the median half of what the bare clients take. The model answers at once.
"""

import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median

import uvloop

from tests.benchmarks.sdk import BareSdk, ask, release
from tests.benchmarks.stage import Stage, open_stage
from tests.benchmarks.watching import spare_ready

_ROOMS = 8
_ROUNDS = 3
_AT_ONCE = 2
_LIMIT = 0.5


async def main() -> None:
    """Let rooms and clients run in turn, with one spare, and as it is by default."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        async with open_stage(path, workers=_ROOMS) as stage:
            sdk = BareSdk(path / "sdk", path / "bots.d", stage.model.url)
            await _compare(stage, sdk, 1, HEARTH_SPARES="1")
            await _compare(stage, sdk, 3)


async def _compare(stage: Stage, sdk: BareSdk, spares: int, **settings: str) -> None:
    ours: list[float] = []
    limit: list[float] = []
    async with stage.serving(HEARTH_MEMORY_BUDGET="6GiB", **settings) as served:
        await stage.ask(stage.room("Warm-up"), "hello")
        for number in range(_ROUNDS):
            if not await spare_ready(served, count=spares):
                print("TOO FEW SPARES came")
            ours += await _rooms(stage, f"{spares}.{number}")
            limit += await _clients(sdk)
        hits = (await served.get("/session/stats"))["hits"]
    mine, theirs = median(ours), median(limit)
    print(
        f"{_ROOMS} first turns at once, spares {spares}: bare clients {theirs:.2f} s (median;"
        f" {max(limit):.2f} at most), rooms {mine:.2f} s ({max(ours):.2f} at most): ratio"
        f" {mine / theirs:.2f}, of the limit of {_LIMIT}: {mine / theirs / _LIMIT:.2f};"
        f" seats taken: {hits}"
    )


async def _rooms(stage: Stage, name: str) -> list[float]:
    rooms = [stage.room(f"Room {name}.{number}") for number in range(_ROOMS)]
    return await asyncio.gather(*(stage.timed(room, "my name is Kim") for room in rooms))


async def _clients(sdk: BareSdk) -> list[float]:
    """Boot and ask clients of our own, and return the seconds until each has answered."""
    clients = [sdk.fresh()[1] for _ in range(_ROOMS)]
    boots = asyncio.Semaphore(_AT_ONCE)
    started = time.perf_counter()

    async def answered(number: int) -> float:
        async with boots:
            await clients[number].connect()
        await ask(clients[number], "my name is Kim")
        return time.perf_counter() - started

    took = await asyncio.gather(*(answered(number) for number in range(_ROOMS)))
    await release(clients)
    return list(took)


if __name__ == "__main__":
    uvloop.run(main())
