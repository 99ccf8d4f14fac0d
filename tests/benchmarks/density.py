"""How many rooms are hot for each GiB of the budget, against bare clients with the same turns.

To reach: within 10 % of the bare clients.
"""

import asyncio
import tempfile
from pathlib import Path

import uvloop
from claude_agent_sdk import ClaudeSDKClient

from tests.benchmarks.sdk import BareSdk, ask, pid_of, release
from tests.benchmarks.stage import Stage, open_stage
from tests.benchmarks.watching import below, children_bytes

_BUDGET_BYTES = 2 * 2**30
#: More than fit.
_ROOMS = 24
#: So many fit anyhow; after each further one there is a rest.
_EASY = 12
_TURNS = 3
_QUESTION = "what did we decide about the release? " * 8
#: A child collects its garbage when it is idle, and is looked at again.
_REST_S = 6.0
_LIMIT = 0.9


async def main() -> None:
    """Open rooms until one has to go, then clients until they take as much."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        async with open_stage(path) as stage:
            hot, most, taken = await _rooms(stage)
            sdk = BareSdk(path / "sdk", path / "bots.d", stage.model.url)
            clients = await _clients(sdk)
    budget = f"{_BUDGET_BYTES / 2**20:.0f} MiB"
    print(
        f"in {budget}: {hot} hot rooms ({taken / 2**20:.0f} MiB; {most / 2**20:.0f} MiB at most),"
        f" {clients:.1f} bare clients: ratio {hot / clients:.2f}, of the limit of {_LIMIT}:"
        f" {hot / clients / _LIMIT:.2f}; {hot / _BUDGET_BYTES * 2**30:.1f} rooms per GiB"
    )


async def _rooms(stage: Stage) -> tuple[int, int, int]:
    """Return the rooms that stayed hot, and what all children took at most and in the end."""
    settings = {"HEARTH_MEMORY_BUDGET": str(_BUDGET_BYTES), "HEARTH_SPARES": "0"}
    async with stage.serving(**settings) as served:
        most = 0
        for number in range(_ROOMS):
            room = stage.room(f"Room {number}")
            for _ in range(_TURNS):
                await stage.ask(room, _QUESTION)
                most = max(most, await asyncio.to_thread(_taken, served.pid))
            await _rest(number)
        page = await served.get("/session/stats?limit=0")
        return page["hot"], most, _taken(served.pid)


async def _rest(number: int) -> None:
    if number > _EASY:
        await asyncio.sleep(_REST_S)


def _taken(pid: int) -> int:
    return children_bytes(below(pid))


async def _clients(sdk: BareSdk) -> float:
    """Return how many clients fit into the budget; the last one by the part that fits."""
    clients: list[ClaudeSDKClient] = []
    pids: list[int] = []
    before = taken = 0
    while taken <= _BUDGET_BYTES:
        _, client = sdk.fresh()
        await client.connect()
        for _ in range(_TURNS):
            await ask(client, _QUESTION)
        clients.append(client)
        pids.append(await pid_of(client))
        await _rest(len(clients))
        before, taken = taken, await asyncio.to_thread(children_bytes, pids)
    await release(clients)
    return len(clients) - 1 + (_BUDGET_BYTES - before) / (taken - before)


if __name__ == "__main__":
    uvloop.run(main())
