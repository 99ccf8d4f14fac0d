"""What can be seen of a server from outside: its pages, its children, what it holds."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx
from prometheus_client.parser import text_string_to_metric_families

from bot.agent.child import children
from bot.agent.memory import parse_rollup
from tests.benchmarks.servers import ADMIN_TOKEN, Served

_LOOK_S = 0.05
_WATCH_S = 0.5
_TICKS = os.sysconf("SC_CLK_TCK")


async def sessions_until(
    served: Served, reached: Callable[[Any], bool], *, within_s: float = 60.0
) -> bool:
    """Look at ``/session/stats`` until it is as wanted; return whether it ever was."""
    return await _until(served, "/session/stats?limit=0", reached, within_s)


async def settled(served: Served) -> bool:
    """Wait until no message is open any more."""
    return await _until(served, "/queue/stats", lambda page: page["messages"]["open"] == 0, 60.0)


async def _until(
    served: Served, path: str, reached: Callable[[Any], bool], within_s: float
) -> bool:
    try:
        async with asyncio.timeout(within_s):
            while True:
                if reached(await served.get(path)):
                    return True
                await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        return False


async def spare_ready(served: Served, *, count: int = 1) -> bool:
    """Wait until so many spares are ready."""
    return await sessions_until(served, lambda page: page["spares"] >= count, within_s=20.0)


async def metric(served: Served, name: str) -> float:
    """Return the value of a metric that has no labels."""
    headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.get(f"{served.url}/metrics", headers=headers)
    families = text_string_to_metric_families(response.raise_for_status().text)
    found = (s.value for family in families for s in family.samples if s.name == name)
    return next(found)


def below(pid: int) -> list[int]:
    """Return the ids of all that *pid* has started, and of what those have started."""
    own = list(children(pid))
    return own + [further for child in own for further in below(child)]


def children_bytes(pids: Iterable[int]) -> int:
    """Return what processes take together; what they share counts once.

    Read one by one: a tree would be counted once for each of its branches.
    """
    return sum(_pss_bytes(pid) for pid in pids)


def _pss_bytes(pid: int) -> int:
    try:
        rollup = parse_rollup(Path(f"/proc/{pid}/smaps_rollup").read_text())
    except OSError:  # it has ended
        return 0
    return rollup.pss_bytes if rollup is not None else 0


def cpu_s(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


class Gauge:
    """Watches what a server's children take, in the background."""

    def __init__(self, pid: int) -> None:
        self.samples: list[int] = []
        self._pid = pid

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch until the block ends."""
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(self._watch(), name="watch memory")
            yield
            watch.cancel()

    async def _watch(self) -> None:
        while True:
            self.samples.append(await asyncio.to_thread(self._look))
            await asyncio.sleep(_WATCH_S)

    def _look(self) -> int:
        return children_bytes(below(self._pid))


@dataclass(frozen=True, kw_only=True, slots=True)
class Census:
    """What a server holds at one moment."""

    #: Its own memory, proportional; children are not counted.
    memory_bytes: int
    fds: int
    threads: int
    tasks: int
    processes: int

    @classmethod
    async def of(cls, served: Served) -> Self:
        """Count."""
        proc = Path(f"/proc/{served.pid}")
        tasks = int(await metric(served, "hearth_tasks"))
        return cls(
            memory_bytes=served.memory_bytes(),
            fds=len(list((proc / "fd").iterdir())),
            threads=len(list((proc / "task").iterdir())),
            tasks=tasks,
            processes=len(below(served.pid)),
        )

    def __str__(self) -> str:
        return (
            f"{self.memory_bytes / 2**20:6.1f} MiB  {self.fds:4} fds  {self.threads:3} threads"
            f"  {self.tasks:3} tasks  {self.processes:3} processes"
        )
