"""A turn by each path, webhook sent to reply in the room, against the SDK alone.

To reach: hot 1.3, warm and cold 1.2 times the SDK's own. The model answers at once.
"""

import tempfile
import time
from pathlib import Path
from statistics import median

import uvloop

from bot.testing.campfire.directory import Room
from tests.benchmarks.sdk import BareSdk, ask
from tests.benchmarks.stage import Stage, open_stage

_HOT = 60
_ROOMS = 10
_QUESTION = "what is my name?"


async def main() -> None:
    """Measure cold, hot and warm, each in turn with the SDK alone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        async with open_stage(path) as stage:
            sdk = BareSdk(path / "sdk", path / "bots.d", stage.model.url)
            rooms = [stage.room(f"Room {number}") for number in range(_ROOMS)]
            sessions: list[str] = []
            async with stage.serving():
                await _cold(stage, sdk, rooms, sessions)
                await _hot(stage, sdk, rooms[0])
            async with stage.serving():
                await _warm(stage, sdk, rooms, sessions)


async def _cold(stage: Stage, sdk: BareSdk, rooms: list[Room], sessions: list[str]) -> None:
    ours, limit = [], []
    await stage.ask(stage.room("Warm-up"), "hello")  # the program comes from the disk once
    for room in rooms:
        ours.append(await _timed(stage, room, "my name is Kim"))
        started = time.perf_counter()
        session_id, client = sdk.fresh()
        await client.connect()
        await ask(client, "my name is Kim")
        limit.append(time.perf_counter() - started)
        await client.disconnect()
        sessions.append(session_id)
    _print("cold", ours, limit)


async def _hot(stage: Stage, sdk: BareSdk, room: Room) -> None:
    _, client = sdk.fresh()
    await client.connect()
    await ask(client, "my name is Kim")
    ours, limit = [], []
    for _ in range(_HOT):
        ours.append(await _timed(stage, room, _QUESTION))
        limit.append(await ask(client, _QUESTION))
    await client.disconnect()
    _print("hot", ours, limit)


async def _warm(stage: Stage, sdk: BareSdk, rooms: list[Room], sessions: list[str]) -> None:
    ours, limit = [], []
    for room, session_id in zip(rooms, sessions, strict=True):
        ours.append(await _timed(stage, room, _QUESTION))
        started = time.perf_counter()
        client = sdk.resumed(session_id)
        await client.connect()
        await ask(client, _QUESTION)
        limit.append(time.perf_counter() - started)
        await client.disconnect()
    _print("warm", ours, limit)


async def _timed(stage: Stage, room: Room, text: str) -> float:
    started = time.perf_counter()
    answer = await stage.ask(room, text)
    took = time.perf_counter() - started
    if "Kim" not in answer:
        raise AssertionError(f"wrong answer: {answer}")
    return took


def _print(name: str, ours: list[float], limit: list[float]) -> None:
    mine, theirs = median(ours) * 1000, median(limit) * 1000
    print(
        f"{name:5} SDK alone {theirs:6.1f} ms   webhook to reply {mine:6.1f} ms"
        f"   over it {mine - theirs:5.1f} ms   ratio {mine / theirs:.2f}"
    )


if __name__ == "__main__":
    uvloop.run(main())
