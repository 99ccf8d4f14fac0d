"""The servers that are measured, each a process of its own: Hearth, and a bare route."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.benchmarks.load import Load

ADMIN_TOKEN = "the-admin-token-of-the-benchmarks"
_START_S = 60.0
#: Processor time of a second in which nothing is being started.
_QUIET_S = 0.05


@dataclass(frozen=True, slots=True)
class Served:
    """A server that runs."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    async def get(self, path: str) -> Any:
        """Return the JSON of an operator's page."""
        headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
        async with httpx.AsyncClient(trust_env=False) as client:
            response = await client.get(self.url + path, headers=headers)
        response.raise_for_status()
        return response.json()

    def cpu_s(self) -> float:
        """Return the processor time it has used."""
        return _cpu_s(self.pid)

    async def settled(self) -> None:
        """Wait until the children that it starts beforehand have come up, and do nothing more."""
        async with asyncio.timeout(_START_S):
            while True:
                before = sum(map(_cpu_s, _descendants(self.pid)))
                await asyncio.sleep(1)
                if sum(map(_cpu_s, _descendants(self.pid))) - before < _QUIET_S:
                    return

    def memory_bytes(self) -> int:
        """Return its proportional memory: shared pages count by their share."""
        lines = Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _cpu_s(pid: int) -> float:
    """Return the processor time that a process has used; none when it is gone."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _descendants(pid: int) -> list[int]:
    """Return the processes below *pid*."""
    children: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += map(int, (task / "children").read_text().split())
    return [*children, *(below for child in children for below in _descendants(child))]


@asynccontextmanager
async def serve_hearth(folder: Path, environ: Mapping[str, str]) -> AsyncIterator[Served]:
    """Run ``hearth serve`` on what *folder* holds; its log goes to a file there."""
    settings = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "HEARTH_SESSION_CACHE": str(folder / "session_cache"),
        "HEARTH_BOTS_DIR": str(folder / "bots.d"),
        "HEARTH_PORT": "0",
        "HEARTH_LOG_FORMAT": "json",
        "HEARTH_ADMIN_TOKEN": ADMIN_TOKEN,
        **environ,
    }
    log = folder / "hearth.log"
    with log.open("ab") as stderr:
        begin = stderr.tell()
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "serve", env=settings, stderr=stderr
        )
        try:
            yield Served(await _port(log, begin), child.pid)
        finally:
            if child.returncode is None:
                child.terminate()
            await child.wait()


async def _port(log: Path, begin: int) -> int:
    async with asyncio.timeout(_START_S):
        while True:
            lines = (await asyncio.to_thread(log.read_text))[begin:].splitlines()
            started = next((line for line in lines if '"started"' in line), None)
            if started is not None:
                return int(json.loads(started)["url"].rpartition(":")[2])
            await asyncio.sleep(0.02)


@asynccontextmanager
async def serve_bare() -> AsyncIterator[Served]:
    """Run a Starlette application whose one route answers 204, on the same uvicorn."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.benchmarks.bare", stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    try:
        yield Served(int(await child.stdout.readline()), child.pid)
    finally:
        child.terminate()
        await child.wait()


async def load(served: Served, **order: Any) -> Load:
    """Put a load on *served* from a process of its own; see `tests.benchmarks.load`."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.benchmarks.load",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await child.communicate(json.dumps({"port": served.port, **order}).encode() + b"\n")
    return Load(**json.loads(out))
