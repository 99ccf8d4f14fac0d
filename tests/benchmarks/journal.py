"""How fast the journal accepts, against what the disk can do.

``python -m tests.benchmarks.journal [folder]``, with a folder on the disk in question. Raw
appends, one sync each, are measured in the same run; the ratios are what to compare between
machines. Takes about ten seconds.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter

from bot.journal import Journal, open_journal
from bot.records import Message, MessageKind, Person

ROUNDS = 3
ROUND_S = 1.0
CROWD = 64
ROOMS = 1000
BODY = "x" * 600


@dataclass
class Run:
    """One measurement."""

    seconds: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    commits: int = 0

    @property
    def rate(self) -> float:
        """Operations a second."""
        return len(self.latencies_s) / self.seconds

    def percentile_ms(self, percent: int) -> float:
        """How long the operation at *percent* took."""
        ordered = sorted(self.latencies_s)
        return ordered[len(ordered) * percent // 100] * 1000


def append(folder: Path) -> Run:
    """Append and sync, again and again: the floor."""
    run = Run()
    file = os.open(folder / "raw", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    sync = getattr(os, "fdatasync", os.fsync)
    block, start = BODY.encode(), perf_counter()
    while (began := perf_counter()) < start + ROUND_S:
        os.write(file, block)
        sync(file)
        run.latencies_s.append(perf_counter() - began)
    run.seconds, run.commits = perf_counter() - start, len(run.latencies_s)
    os.close(file)
    return run


async def accept(journal: Journal, *, crowd: int, message: Callable[[], Message]) -> Run:
    """Let *crowd* deliveries wait for their commit at any time."""
    run, before, start = Run(), journal.statistics().commits, perf_counter()

    async def deliver() -> None:
        while (began := perf_counter()) < start + ROUND_S:
            said = message()
            await journal.accept(said, lane=said.room)
            run.latencies_s.append(perf_counter() - began)

    async with asyncio.TaskGroup() as group:
        for number in range(crowd):
            group.create_task(deliver(), name=f"delivery-{number}")
    run.seconds = perf_counter() - start
    run.commits = journal.statistics().commits - before
    return run


def messages() -> Callable[[], Message]:
    """Make fresh messages in a thousand rooms."""
    numbers = count(1)

    def message() -> Message:
        number = next(numbers)
        return Message(
            platform="campfire",
            bot="ada",
            room=str(number % ROOMS),
            room_name="Watercooler",
            direct=False,
            id=str(number),
            position=number,
            author=Person(id="7", name="Kim"),
            kind=MessageKind.TEXT,
            text=BODY,
            html=None,
            received_at=datetime.now(UTC),
        )

    return message


@asynccontextmanager
async def fresh(folder: Path) -> AsyncIterator[Journal]:
    """Open a journal in *folder*."""
    async with open_journal(folder / "journal.db", node="benchmark") as journal:
        yield journal


async def measure(folder: Path) -> dict[str, list[Run]]:
    """Measure all three in turn, so that each meets the same mood of the machine."""
    runs: dict[str, list[Run]] = {"raw": [], "alone": [], "crowd": []}
    message = messages()
    async with fresh(folder) as journal:
        for _ in range(ROUNDS):
            runs["raw"].append(await asyncio.to_thread(append, folder))
            runs["alone"].append(await accept(journal, crowd=1, message=message))
            runs["crowd"].append(await accept(journal, crowd=CROWD, message=message))
    return runs


def report(runs: dict[str, list[Run]]) -> str:
    """Lay the medians side by side."""
    names = {"raw": "append + fdatasync", "alone": "accept, c=1", "crowd": f"accept, c={CROWD}"}
    floor = median(run.rate for run in runs["raw"])
    lines = [f"{'':20}{'per s':>10}{'of raw':>9}{'p50 ms':>9}{'p99 ms':>9}{'per commit':>12}"]
    for key, measured in runs.items():
        rate = median(run.rate for run in measured)
        middle, slow = (median(run.percentile_ms(p) for run in measured) for p in (50, 99))
        grouped = median(len(run.latencies_s) / run.commits for run in measured)
        speed = f"{names[key]:20}{rate:10,.0f}{rate / floor:8.2f}x"
        lines.append(f"{speed}{middle:9.2f}{slow:9.2f}{grouped:12.1f}")
    return "\n".join(lines)


def main() -> None:
    """Measure in a folder of its own, beside the state if a path is given."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        sys.stdout.write(report(asyncio.run(measure(Path(folder)))) + "\n")


if __name__ == "__main__":
    main()
