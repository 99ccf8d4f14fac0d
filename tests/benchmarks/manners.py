"""20 people in 10 rooms say 1,000 things in bursts, once for each thing a busy bot can do.

To reach: everybody answered or told, 0 forgotten, 0 answered in somebody else's place, 0 twice.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import uvloop

from bot.testing.model.behaviour import Pace
from tests.benchmarks.servers import Served
from tests.benchmarks.stage import Stage, open_stage
from tests.e2e.manners import MODES, Party

_PEOPLE = 20
_ROOMS = 10
_MESSAGES = 1000
_PATIENCE_S = 900.0
#: Between two rounds of bursts: a turn takes about as long.
_PAUSE_S = 0.5


async def main() -> None:
    """Give a party for each mode, each with a server of its own."""
    for mode in MODES:
        with tempfile.TemporaryDirectory() as folder:
            async with open_stage(Path(folder)) as stage:
                await _party(stage, mode)


async def _party(stage: Stage, mode: str) -> None:
    with (stage.folder / "bots.d" / "ada.toml").open("a") as file:
        file.write(f'[turn]\nwhen_busy = "{mode}"\n')
    stage.model.pace = Pace(latency_s=0.2)
    party = Party(stage.campfire, stage.ada, people=_PEOPLE, rooms=_ROOMS)
    started = time.perf_counter()
    async with stage.serving() as served:
        pause: Callable[[], Awaitable[None]] = partial(asyncio.sleep, _PAUSE_S)
        await party.speak(_MESSAGES, pause=pause)
        messages = await _settled(served)
    verdict = party.judge()
    agreed = (messages["answered"], messages["told"]) == (verdict.answered, verdict.told)
    print(
        f"{mode:9} {verdict.said} said: {verdict.answered} answered, {verdict.told} told,"
        f" {verdict.forgotten} forgotten, {verdict.misattributed} misattributed,"
        f" {verdict.repeated} repeated, in {verdict.posts} posts,"
        f" {time.perf_counter() - started:.0f} s; the server's own count"
        f" {'agrees' if agreed else f'DIFFERS: {messages}'}"
        + ("" if verdict.good else "   BAD MANNERS")
    )


async def _settled(served: Served) -> dict[str, int]:
    async with asyncio.timeout(_PATIENCE_S):
        while (messages := (await served.get("/queue/stats"))["messages"])["open"]:  # noqa: ASYNC110 - the other process decides
            await asyncio.sleep(0.5)
    return messages


if __name__ == "__main__":
    uvloop.run(main())
