"""Acknowledging, durably, against a bare route that does nothing.

To reach: 0.7 of its requests per second with a new connection each, 0.5 with kept ones.
"""

import tempfile
import time
from pathlib import Path
from statistics import median

import uvloop

from bot.testing.campfire.records import Dialect
from tests.benchmarks.load import Load
from tests.benchmarks.servers import Served, load, serve_bare
from tests.benchmarks.stage import open_stage

_ROUNDS = 7
_REQUESTS = 4000
_CONNECTIONS = 64
_KEY = "3-AbCdEf123456"


async def main() -> None:
    """Measure both in turn, new connections first."""
    with tempfile.TemporaryDirectory() as folder:
        # A released Campfire: where bots can react, each of these thousands that wait in one room
        # would get a reaction, and that would be measured.
        released = open_stage(Path(folder), dialect=Dialect.RELEASED)
        async with released as stage, serve_bare() as bare:
            room = stage.room("Watercooler")
            with (stage.folder / "bots.d" / "ada.toml").open("a") as file:
                file.write("[turn]\nmax_waiting = 1_000_000\nmax_waiting_each = 1_000_000\n")
            async with stage.serving(HEARTH_GRACE="1s") as hearth:
                # One turn that never ends: what is acknowledged afterwards waits behind it, so
                # that acknowledging is all there is to measure.
                await stage.say(room, "[stall]")
                await stage.campfire.delivered()
                await hearth.settled()
                for close, name in ((True, "new connections"), (False, "kept connections")):
                    await _compare(name, bare, hearth, room=room.id, key=stage.ada.key, close=close)


async def _compare(name: str, bare: Served, hearth: Served, **order: object) -> None:
    runs: list[tuple[Load, Load]] = []
    spent = [-served.cpu_s() for served in (bare, hearth)]
    for _ in range(_ROUNDS):
        pair = [
            await load(
                served,
                path="/webhook/ada",
                first=time.time_ns() // 1000,
                count=_REQUESTS,
                connections=_CONNECTIONS,
                **order,
            )
            for served in (bare, hearth)
        ]
        runs.append((pair[0], pair[1]))
    each = [
        (total + served.cpu_s()) / (_ROUNDS * _REQUESTS) * 1e6
        for total, served in zip(spent, (bare, hearth), strict=True)
    ]
    wrong = [mine.statuses for _, mine in runs if set(mine.statuses) != {"204"}]
    ratios = sorted(mine.rate / limit.rate for limit, mine in runs)
    print(
        f"{name:17} bare {median(r.rate for r, _ in runs):8,.0f}/s p99"
        f" {median(r.p99_ms for r, _ in runs):5.1f} ms   hearth"
        f" {median(r.rate for _, r in runs):8,.0f}/s p99"
        f" {median(r.p99_ms for _, r in runs):5.1f} ms"
        f"   ratio {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        f"   CPU {each[0]:.0f} and {each[1]:.0f} us a request"
        + (f"   WRONG {wrong}" if wrong else "")
    )


if __name__ == "__main__":
    uvloop.run(main())
