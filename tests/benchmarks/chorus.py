"""Sixteen hot rooms ask at the same moment a model that takes two seconds, against bare clients.

To reach: what is over the model's two seconds at most 1.15 times the bare clients' (median).
"""

import asyncio
import tempfile
from pathlib import Path
from statistics import median

import uvloop
from claude_agent_sdk import ClaudeSDKClient

from tests.benchmarks.sdk import BareSdk, ask, release
from tests.benchmarks.stage import open_stage

_ROOMS = 16
_ROUNDS = 6
_MODEL_S = 2
_LIMIT = 1.15
_QUESTION = f"[wait {_MODEL_S}s] what is my name?"


async def main() -> None:
    """Ask all rooms at once, then all clients, and so on."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        async with (
            open_stage(path, workers=_ROOMS) as stage,
            stage.serving(HEARTH_MEMORY_BUDGET="6GiB") as served,
        ):
            sdk = BareSdk(path / "sdk", path / "bots.d", stage.model.url)
            rooms = [stage.room(f"Room {number}") for number in range(_ROOMS)]
            clients = await _connected(sdk)
            for room in rooms:
                await stage.ask(room, "my name is Kim")
            ours: list[float] = []
            limit: list[float] = []
            for _ in range(_ROUNDS):
                limit += await asyncio.gather(*(ask(client, _QUESTION) for client in clients))
                ours += await asyncio.gather(*(stage.timed(room, _QUESTION) for room in rooms))
            hits = (await served.get("/session/stats"))["hits"]
            await release(clients)
    mine, theirs = median(ours) - _MODEL_S, median(limit) - _MODEL_S
    print(
        f"{_ROOMS} rooms at once, over the model's {_MODEL_S} s: bare clients"
        f" {theirs * 1000:.0f} ms, rooms {mine * 1000:.0f} ms (median): ratio {mine / theirs:.2f},"
        f" of the limit of {_LIMIT}: {mine / theirs / _LIMIT:.2f}\nseats taken: {hits}"
    )


async def _connected(sdk: BareSdk) -> list[ClaudeSDKClient]:
    clients = [sdk.fresh()[1] for _ in range(_ROOMS)]
    for client in clients:
        await client.connect()
        await ask(client, "my name is Kim")
    return clients


if __name__ == "__main__":
    uvloop.run(main())
