"""The real server as a process that is ended and started again, and what it leaves behind."""

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.chaos import processes
from tests.chaos.full_disk import COMMAND, flag_of
from tests.chaos.plan import Blow
from tests.chaos.records import Life, Window

_ROOT = Path(__file__).resolve().parents[2]
#: What the server may need beyond its grace to end in order.
_FAREWELL_S = 20.0
#: How long children may outlive a server that was killed, and how long a zombie may wait.
ORPHAN_S = 5.0
_ZOMBIE_S = 5.0
_LOOK_S = 0.25
#: Below what the system gives to outgoing connections: one of those could take the port while
#: the server is down.
_PORTS = range(21_000, 31_000)
_PORT_TRIES = 50
#: A supervisor that starts what cannot start would never end.
_MOST_LIVES = 500
_GRAVE = ("warning", "error", "critical")


def free_port(number: int) -> int:
    """Return a port that nobody listens on, the first one tried being chosen by *number*."""
    for offset in range(_PORT_TRIES):
        port = _PORTS[(number + offset * 97) % len(_PORTS)]
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if sock.connect_ex(("127.0.0.1", port)):
                return port
    raise OSError("no free port")


class Server:
    """Runs the server, and starts it again whenever it has ended, until `close`."""

    def __init__(self, folder: Path, environ: Mapping[str, str], *, port: int) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "hearth.log"
        self.lives: list[Life] = []
        #: Set while a process runs.
        self.up = asyncio.Event()
        #: How long the next end lasts.
        self.down_s = 0.0
        #: How long the disk of the next process is full, from its start on.
        self.full_s = 0.0
        #: When a disk was full.
        self.full: list[Window] = []
        self._environ = {
            "PATH": os.defpath,
            "HOME": str(folder),
            "HEARTH_PORT": str(port),
            **environ,
        }
        self._process: asyncio.subprocess.Process | None = None
        #: Where the log of the process begins.
        self._begin = 0
        self._ended = asyncio.Event()
        self._ended_by: Blow | None = None
        self._hung = False
        self._closing = False

    async def run(self) -> None:
        """Keep the server up, as a supervisor does."""
        async with asyncio.TaskGroup() as group:
            while not self._closing and len(self.lives) < _MOST_LIVES:
                life = await self._live(group)
                self.lives.append(life)
                if life.ended_by is None:
                    await asyncio.sleep(1.0)  # it cannot start: no hurry
                await asyncio.sleep(0.0 if self._closing else self.down_s)

    async def kill(self) -> None:
        """End the process at once."""
        await self._send(signal.SIGKILL, Blow.KILL)

    async def terminate(self) -> None:
        """Ask the process to end in order; the second time it ends at once."""
        again = self._ended_by is not None
        await self._send(signal.SIGTERM, Blow.KILL if again else Blow.TERM)

    async def end(self, grace_s: float) -> None:
        """Wait for the end of a process that was asked to; kill it when that takes too long."""
        try:
            async with asyncio.timeout(grace_s + _FAREWELL_S):
                await self._ended.wait()
        except TimeoutError:
            self._hung = True
            await self._send(signal.SIGKILL, None)
            await self._ended.wait()

    async def pause(self, length_s: float) -> None:
        """Stop the process for a while; it loses nothing but time."""
        if process := self._process:
            process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(length_s)
            if process.returncode is None:
                process.send_signal(signal.SIGCONT)

    async def serving(self) -> None:
        """Wait for a process that has said that it serves."""
        since = None
        while self._process is None or since is None:
            await asyncio.sleep(_LOOK_S)
            since = _listening(self.log, self._begin)

    async def fill_disk(self, length_s: float) -> None:
        """Fill the disk of the process that runs, if there is one, until its end at most."""
        process = self._process
        if process is None:
            return
        flag = flag_of(self.folder, process.pid)
        flag.touch()
        begin = time.time()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), length_s)
        end = time.time()
        flag.unlink()
        self.full.append(Window(begin=begin, end=end))

    async def close(self, grace_s: float) -> None:
        """End the server for good."""
        self._closing = True
        if self._process is not None:
            await self.terminate()
            await self.end(grace_s)

    def children(self) -> list[int]:
        """Return the ids of the conversations that the server has open."""
        if self._process is None:
            return []
        found = processes.children(self._process.pid)
        return [pid for pid in found if processes.is_conversation(pid)]

    def strike_child(self, pick: float, number: signal.Signals) -> int | None:
        """Send a signal to one of the children; return its id, None if there was none."""
        children = self.children()
        if not children or self._process is None:
            return None
        child = children[int(pick * len(children))]
        return child if processes.send(child, number, parent=self._process.pid) else None

    def continue_child(self, pid: int) -> None:
        """Let a stopped child go on."""
        if self._process is not None:
            processes.send(pid, signal.SIGCONT, parent=self._process.pid)

    async def _send(self, number: signal.Signals, blow: Blow | None) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        self._ended_by = blow or self._ended_by
        process.send_signal(number)
        if number is signal.SIGKILL:
            await self._ended.wait()

    async def _live(self, group: asyncio.TaskGroup) -> Life:
        """Run one process to its end."""
        self._ended.clear()
        self._ended_by, self._hung = None, False
        with self.log.open("ab") as stderr:
            self._begin, started = stderr.tell(), time.time()
            self._process = process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                COMMAND.format(folder=str(self.folder)),
                "serve",
                cwd=_ROOT,
                env=self._environ,
                stdin=asyncio.subprocess.DEVNULL,
                stderr=stderr,
            )
        self.up.set()
        if self.full_s:
            group.create_task(self.fill_disk(self.full_s), name="full disk")
            self.full_s = 0.0
        try:
            zombies = await self._watch(process)
        finally:
            if process.returncode is None:
                process.kill()
            status = await process.wait()
            self.up.clear()
            self._process = None
        ended, left = time.time(), processes.family(self.folder)
        by, hung = self._ended_by, self._hung
        number = len(self.lives)
        group.create_task(self._bury(number, left), name=f"orphans of start {number}")
        self._ended.set()
        return Life(
            started=started,
            ended=ended,
            ended_by=by,
            status=status,
            listening=_listening(self.log, self._begin),
            orphans=0,
            zombies=zombies,
            hung=hung,
            words=_words(self.log, self._begin),
        )

    async def _watch(self, process: asyncio.subprocess.Process) -> int:
        """Wait for the end; return how many children were left as zombies for too long."""
        seen: dict[int, float] = {}
        late: set[int] = set()
        while process.returncode is None:
            try:
                async with asyncio.timeout(_LOOK_S):
                    await process.wait()
            except TimeoutError:
                stopped = processes.state(process.pid) == "T"
                zombies = [] if stopped else processes.zombies(process.pid)
                seen = {pid: seen.get(pid, time.monotonic()) for pid in zombies}
                late |= {pid for pid, at in seen.items() if time.monotonic() - at > _ZOMBIE_S}
        return len(late)

    async def _bury(self, number: int, left: list[int]) -> None:
        """Give *left* time to end, then kill it and note it in the life of that number."""
        handles = [handle for pid in left if (handle := processes.open_handle(pid)) is not None]
        try:
            deadline = time.monotonic() + ORPHAN_S
            alive = processes.alive(handles)
            while alive and time.monotonic() < deadline:
                await asyncio.sleep(0.05)
                alive = processes.alive(alive)
            for handle in alive:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            for handle in handles:
                os.close(handle)
        if alive:
            self._note_orphans(number, len(alive))

    def _note_orphans(self, number: int, orphans: int) -> None:
        self.lives[number] = replace(self.lives[number], orphans=orphans)


def log_counts(log: Path) -> dict[str, int]:
    """Count what was logged as a warning or worse, by event."""
    found = Counter(
        f"{line['level']}: {line['event']}" for line in _lines(log) if line["level"] in _GRAVE
    )
    return dict(found.most_common())


def _lines(log: Path, begin: int = 0) -> list[dict[str, Any]]:
    """Read what was logged; a killed server may have left half a line."""
    found = []
    for line in log.read_bytes()[begin:].splitlines():
        try:
            parsed = json.loads(line)
        except ValueError:
            parsed = {"level": "error", "event": f"not JSON: {line[:60].decode(errors='replace')}"}
        found.append(parsed)
    return found


def _words(log: Path, begin: int) -> tuple[str, ...]:
    """Return what is no line of the log; the half line of a killed server is left out."""
    lines = log.read_bytes()[begin:].decode(errors="replace").splitlines()
    return tuple(line for line in lines if line.strip() and not line.startswith("{"))


def _listening(log: Path, begin: int) -> float | None:
    times = [line for line in _lines(log, begin) if line.get("event") == "started"]
    return datetime.fromisoformat(times[0]["timestamp"]).timestamp() if times else None
