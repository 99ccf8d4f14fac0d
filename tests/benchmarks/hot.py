"""A hot turn, webhook sent to reply in the room, over a bare permanent client.

To reach: at most 3 ms more than a bare client takes to its result, which is asked the very same.
The model answers at once.
"""

import tempfile
from pathlib import Path
from statistics import median

import uvloop

from tests.benchmarks.sdk import BareSdk, hear, release
from tests.benchmarks.stage import Stage, open_stage

_TURNS = 150
_LIMIT_MS = 3.0
_QUESTION = "what is my name?"


async def main() -> None:
    """Ask both in turn."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        async with open_stage(path) as stage, stage.serving():
            sdk = BareSdk(path / "sdk", path / "bots.d", stage.model.url)
            room = stage.room("Watercooler")
            _, client = sdk.fresh()
            await client.connect()
            await stage.ask(room, "my name is Kim")
            await hear(client, _prompt(stage))
            ours: list[float] = []
            texts: list[float] = []
            results: list[float] = []
            for _ in range(_TURNS):
                ours.append(await stage.timed(room, _QUESTION, expect="Kim") * 1000)
                text, result = await hear(client, _prompt(stage))
                texts.append(text * 1000)
                results.append(result * 1000)
            await release([client])
    over = median(ours) - median(results)
    print(
        f"bare client: {median(texts):.1f} ms to its text, {median(results):.1f} ms to its result;"
        f" webhook to reply {median(ours):.1f} ms, {median(ours) / median(results):.2f} of it\n"
        f"over the result {over:.1f} ms, of the limit of {_LIMIT_MS:.0f} ms:"
        f" {over / _LIMIT_MS:.2f}; over the text {median(ours) - median(texts):.1f} ms"
    )


def _prompt(stage: Stage) -> str:
    """Return what Hearth's client was asked last: both have to read as much."""
    return stage.model.requests[-1].last_text


if __name__ == "__main__":
    uvloop.run(main())
