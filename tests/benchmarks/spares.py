"""A new room's first turn with a spare and without, and an old room's first after a restart.

To reach: with a spare at most 2 x hot plus 60 ms, and a third of what it takes without one (a
tenth is the dream); after a restart, once the rooms are resumed in the background, no more than
with a spare. The model answers at once.

Both kinds of first turns are a child's first too: 70 to 130 ms of processors, more or less by
chance. So they are timed in pairs in one server, now one of the two first and now the other, and
each when every child is idle: a room that is asked right behind another one has the work that the
other's child does after its answer beside it. The median of ten such turns is off by 7 % from one
run to the next; so there are three rounds, and the pairs are counted in which the old room was
answered sooner.
"""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import uvloop

from bot.testing.campfire.directory import Room
from tests.benchmarks.servers import Served
from tests.benchmarks.stage import Stage, open_stage
from tests.benchmarks.watching import sessions_until, spare_ready

#: Each with a chat, a model and a server of its own.
_ROUNDS = 3
#: Old rooms of a round, and as many new ones: the server keeps more open than these.
_ROOMS = 10
_HOT = 3
_MORE_MS = 60.0
_INTRODUCTION = "my name is Kim"
_QUESTION = "what is my name?"


@dataclass(frozen=True, slots=True)
class Times:
    """What turns took, in seconds."""

    #: The first turns of new rooms, each with a child of its own.
    without: list[float] = field(default_factory=list)
    #: The first turns of old rooms, after a restart, and of new ones, on a spare: in pairs.
    resumed: list[float] = field(default_factory=list)
    spare: list[float] = field(default_factory=list)
    #: Those that follow in the latter.
    hot: list[float] = field(default_factory=list)


async def main() -> None:
    """Measure in rounds."""
    times = Times()
    for _ in range(_ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            async with open_stage(Path(folder)) as stage:
                await _round(stage, times)
    _report(times)


async def _round(stage: Stage, times: Times) -> None:
    old = _rooms(stage, "Old")
    async with stage.serving(HEARTH_SPARES="0"):
        await stage.ask(stage.room("Warm-up"), "hello")  # the program comes from the disk
        for room in old:
            times.without.append(await stage.timed(room, _INTRODUCTION, expect="Kim"))
        for room in old * _HOT:
            await stage.ask(room, _QUESTION)
    async with stage.serving() as served:
        await _after_restart(stage, served, old, times)


def _rooms(stage: Stage, name: str) -> list[Room]:
    return [stage.room(f"{name} {number}") for number in range(_ROOMS)]


async def _after_restart(stage: Stage, served: Served, old: list[Room], times: Times) -> None:
    """Time the first turns of old rooms, which are open again, and of new ones, in pairs."""
    if not await sessions_until(served, lambda page: page["hot"] >= len(old), within_s=60.0):
        print(f"NOT RESUMED: {(await served.get('/session/stats'))['hot']} of {len(old)} rooms")
    for number, (known, unknown) in enumerate(zip(old, _rooms(stage, "New"), strict=True)):
        pair = [(times.resumed, known, _QUESTION), (times.spare, unknown, _INTRODUCTION)]
        for kind, room, words in reversed(pair) if number % 2 else pair:
            await _at_rest(served)
            kind.append(await stage.timed(room, words, expect="Kim"))
        await served.settled()  # a boot would be beside the hot turns
        for _ in range(_HOT):
            times.hot.append(await stage.timed(unknown, _QUESTION, expect="Kim"))
    print(f"seats taken: {(await served.get('/session/stats'))['hits']}")


async def _at_rest(served: Served) -> None:
    """Wait until a spare is there, and every child idle."""
    if not await spare_ready(served):
        print("NO SPARE came")
    await served.settled()


def _report(times: Times) -> None:
    without, spare, hot, resumed = (
        median(some) * 1000 for some in (times.without, times.spare, times.hot, times.resumed)
    )
    limit = 2 * hot + _MORE_MS
    sooner = sum(one < other for one, other in zip(times.resumed, times.spare, strict=True))
    print(
        f"first turn of a room: {without:.1f} ms without a spare, {spare:.1f} ms with one;"
        f" hot {hot:.1f} ms\n"
        f"of the limit of 2 x hot + {_MORE_MS:.0f} = {limit:.1f} ms: {spare / limit:.2f};"
        f" of the time without: {spare / without:.2f} (bar 0.33, dream 0.10)\n"
        f"after a restart, resumed in the background: {resumed:.1f} ms, of a spare's"
        f" {spare:.1f} ms: {resumed / spare:.2f}; sooner in {sooner} of {len(times.spare)} pairs"
    )


if __name__ == "__main__":
    uvloop.run(main())
