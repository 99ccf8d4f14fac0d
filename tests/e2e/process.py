"""The real ``hearth serve`` as a process of its own; chat and model stay in the test's."""

import asyncio
import json
import os
import select
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.e2e.world import PATIENCE_S, Running, World

ROOT = Path(__file__).resolve().parents[2]
#: Runs the command after lines of a test.
_COMMAND = "{pace}\n{fault}\nfrom bot.cli import main\nmain()"
#: Shows no turn under way, however slow the machine is.
_UNSEEN = """\
import bot.app
from bot.rooms.showing import Pace
bot.app.PACE = Pace(seen_s=3600.0, placeholder_s=3600.0)
"""


class ServerProcess(Running):
    """A server in another process, and what it logs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        super().__init__("", asyncio.Event())
        self.pid = process.pid
        #: Everything it wrote, line by line.
        self.lines: list[str] = []
        self._process = process
        self._changed = asyncio.Condition()

    @property
    def events(self) -> list[dict[str, Any]]:
        """What it logged."""
        return [json.loads(line) for line in self.lines if line.startswith("{")]

    async def read(self) -> None:
        """Read what it writes, until it closes."""
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            async with self._changed:
                self.lines.append(line.decode().rstrip())
                self._changed.notify_all()

    async def logged(
        self, event: str, holds: Callable[[dict[str, Any]], bool] = lambda _: True
    ) -> dict[str, Any]:
        """Wait until it has logged *event*, and return it."""

        def found() -> list[dict[str, Any]]:
            return [line for line in self.events if line["event"] == event and holds(line)]

        async with asyncio.timeout(PATIENCE_S), self._changed:
            await self._changed.wait_for(lambda: bool(found()))
        return found()[0]

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def ended(self) -> int:
        """Wait for its end; return its exit status, or minus the signal that ended it."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._process.wait()

    def children(self) -> frozenset[int]:
        """Return the ids of the processes it has started."""
        return frozenset(
            int(child)
            for listed in Path(f"/proc/{self.pid}/task").glob("*/children")
            for child in listed.read_text().split()
        )


def all_gone(pids: frozenset[int], *, within_s: float = 5.0) -> bool:
    """Whether all processes end in time. They are no children of ours."""
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            if not select.select([handle], [], [], within_s)[0]:
                return False
        finally:
            os.close(handle)
    return True


@asynccontextmanager
async def serving_apart(
    world: World,
    settings: Mapping[str, str] | None = None,
    *,
    fault: str = "",
    pace: str = _UNSEEN,
) -> AsyncIterator[ServerProcess]:
    """Run the server in a process whose environment is the world's and nothing else.

    *pace* and *fault* are lines of Python that run first in it. What still runs in the end is
    killed.
    """
    process = await _start(world, settings or {}, _COMMAND.format(pace=pace, fault=fault))
    server = ServerProcess(process)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.read(), name="the server's log")
        try:
            server.url = (await server.logged("started"))["url"]
            world.call(server.url)
            yield server
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def start_in_vain(world: World, *, fault: str) -> tuple[int, list[str]]:
    """Run a server that cannot start; return its exit status and what it wrote."""
    process = await _start(world, {}, _COMMAND.format(pace=_UNSEEN, fault=fault))
    try:
        async with asyncio.timeout(PATIENCE_S):
            _, words = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode or 0, words.decode().splitlines()


async def _start(
    world: World, settings: Mapping[str, str], command: str
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        command,
        "serve",
        cwd=ROOT,
        env={"PATH": os.defpath, "HOME": str(world.folder), **world.environ, **settings},
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
