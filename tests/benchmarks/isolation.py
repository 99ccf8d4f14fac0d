"""While one room is in a long turn with more waiting, nobody else notices.

To reach: ``/health`` and the acknowledgements of other rooms under 50 ms, all through a 5 s turn.
"""

import asyncio
import tempfile
import time
from pathlib import Path

import httpx
import uvloop

from tests.benchmarks.load import body_of
from tests.benchmarks.servers import Served
from tests.benchmarks.stage import Stage, open_stage

_TURN_S = 5
_WAITING = 5
_PROBES = 80
_PAUSE_S = 0.05
_LIMIT_MS = 50


async def main() -> None:
    """Probe an idle server, then the same one while a room is busy."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_stage(Path(folder)) as stage, stage.serving() as served:
            busy, other = stage.room("Busy"), stage.room("Other")
            await stage.ask(other, "hello")
            idle = await _probe(stage, served, other.id)
            await stage.say(busy, f"[wait {_TURN_S}s] hello")
            for _ in range(_WAITING):
                await stage.say(busy, "and another thing")
            await stage.campfire.delivered()
            during = await _probe(stage, served, other.id)
            for name, before, now in zip(("/health", "acknowledge"), idle, during, strict=True):
                print(
                    f"{name:12} idle max {max(before):5.1f} ms   during a {_TURN_S} s turn max"
                    f" {max(now):5.1f} ms   of the limit of {_LIMIT_MS} ms:"
                    f" {max(now) / _LIMIT_MS:.2f}"
                )


async def _probe(stage: Stage, served: Served, room: int) -> tuple[list[float], list[float]]:
    """Ask for both again and again; return the milliseconds."""
    health, acknowledged = [], []
    first = time.time_ns() // 1000
    async with httpx.AsyncClient(trust_env=False, base_url=served.url) as client:
        for number in range(_PROBES):
            health.append(await _timed(client.get("/health")))
            body = body_of(first + number, room=room, key=stage.ada.key)
            acknowledged.append(await _timed(client.post("/webhook/ada", content=body)))
            await asyncio.sleep(_PAUSE_S)
    return health, acknowledged


async def _timed(answer: "asyncio.Future[httpx.Response]") -> float:
    started = time.perf_counter()
    (await answer).raise_for_status()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    uvloop.run(main())
