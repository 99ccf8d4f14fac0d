"""A new room's first turn with a spare and without, and an old room's first after a restart.

To reach: with a spare at most 2 x hot plus 60 ms, and a third of what it takes without one (a
tenth is the dream); after a restart, once the rooms are resumed in the background, no more than
with a spare. The model answers at once.
"""

import tempfile
from pathlib import Path
from statistics import median

import uvloop

from bot.testing.campfire.directory import Room
from tests.benchmarks.servers import Served
from tests.benchmarks.stage import Stage, open_stage
from tests.benchmarks.watching import sessions_until, spare_ready

_ROOMS = 10
_HOT = 5
_MORE_MS = 60.0


async def main() -> None:
    """Measure each in turn, on the same stage."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_stage(Path(folder)) as stage:
            async with stage.serving(HEARTH_SPARES="0"):
                await stage.ask(stage.room("Warm-up"), "hello")  # the program comes from the disk
                without = [await _first(stage, room) for room in _rooms(stage, "Without")]
            rooms = _rooms(stage, "With")
            async with stage.serving() as served:
                spare, hot = await _with_spares(stage, served, rooms)
            async with stage.serving() as served:
                resumed = await _after_restart(stage, served, rooms)
    _report(median(without) * 1000, median(spare) * 1000, median(hot) * 1000)
    print(
        f"after a restart, resumed in the background: {median(resumed) * 1000:.1f} ms, of a"
        f" spare's {median(spare) * 1000:.1f} ms: {median(resumed) / median(spare):.2f}"
    )


def _rooms(stage: Stage, name: str) -> list[Room]:
    return [stage.room(f"{name} {number}") for number in range(_ROOMS)]


async def _first(stage: Stage, room: Room) -> float:
    return await stage.timed(room, "my name is Kim", expect="Kim")


async def _with_spares(
    stage: Stage, served: Served, rooms: list[Room]
) -> tuple[list[float], list[float]]:
    """Return the seconds of each room's first turn, and of those that follow at once."""
    first: list[float] = []
    hot: list[float] = []
    for room in rooms:
        if not await spare_ready(served):
            print("NO SPARE came")
        await served.settled()
        first.append(await _first(stage, room))
        await served.settled()  # a boot would be beside the hot turns
        hot += [await stage.timed(room, "what is my name?", expect="Kim") for _ in range(_HOT)]
    hits = (await served.get("/session/stats"))["hits"]
    print(f"seats taken: {hits}")
    return first, hot


async def _after_restart(stage: Stage, served: Served, rooms: list[Room]) -> list[float]:
    """Return the seconds of each room's first turn, when all of them are open again."""
    if not await sessions_until(served, lambda page: page["hot"] >= len(rooms), within_s=60.0):
        print(f"NOT RESUMED: {(await served.get('/session/stats'))['hot']} of {len(rooms)} rooms")
    await served.settled()
    return [await stage.timed(room, "what is my name?", expect="Kim") for room in rooms]


def _report(without: float, spare: float, hot: float) -> None:
    limit = 2 * hot + _MORE_MS
    print(
        f"first turn of a room: {without:.1f} ms without a spare, {spare:.1f} ms with one;"
        f" hot {hot:.1f} ms\n"
        f"of the limit of 2 x hot + {_MORE_MS:.0f} = {limit:.1f} ms: {spare / limit:.2f};"
        f" of the time without: {spare / without:.2f} (bar 0.33, dream 0.10)"
    )


if __name__ == "__main__":
    uvloop.run(main())
