"""What no test may do: reach another machine, read this one's secrets, leave something running.

`conftest.py` puts these in place for every test; they are built from nothing but the standard
library, so that they hold before anything of ours is imported.
"""

import os
import select
import signal
import socket
import sys
from collections.abc import Iterator, MutableMapping
from ipaddress import ip_address
from pathlib import Path
from typing import Final

#: Variables that would let a test talk to the real model, read the operator's settings, or send
#: its requests and traces through something else on this machine.
FORBIDDEN_PREFIXES: Final = ("ANTHROPIC_", "CLAUDE", "HEARTH_", "OTEL_", "TRACE")
#: Where programs look for a person's files; each is pointed to an empty folder instead.
HOMES: Final = {
    "HOME": "",
    "XDG_CONFIG_HOME": ".config",
    "XDG_CACHE_HOME": ".cache",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
    "CLAUDE_CONFIG_DIR": ".claude",
}
#: How long a child that was told to end may take before it counts as left behind.
FAREWELL_S: Final = 1.0


class LeftTheMachine(RuntimeError):
    """A test tried to reach another machine. Not an OSError: the code under test catches those."""


def isolate(environ: MutableMapping[str, str], home: Path) -> None:
    """Take out of *environ* what must not reach a test, and move its home to *home*."""
    for name in list(environ):
        if name.startswith(FORBIDDEN_PREFIXES) or name.lower().endswith("_proxy"):
            del environ[name]
    environ.update({name: str(home / folder) for name, folder in HOMES.items()})


class NetworkGuard:
    """Refuses connections and look-ups that leave this machine, and remembers the attempts.

    It hears what CPython announces to audit hooks: `connect`, `connect_ex`, `sendto`, `sendmsg`
    and every look-up, before a byte leaves. uvloop and child processes announce nothing.
    """

    def __init__(self) -> None:
        self.attempts: list[str] = []

    def install(self) -> None:
        """Start listening. An audit hook cannot be taken away again."""
        sys.addaudithook(self._hear)

    def _hear(self, event: str, args: tuple[object, ...]) -> None:
        # Every import and every open() comes through here: decide by the cheapest test first.
        if event.startswith("socket."):
            self._judge(event, args)

    def _judge(self, event: str, args: tuple[object, ...]) -> None:
        target = _target(event, args)
        if not target or is_local(target):
            return
        attempt = f"{event} to {target!r}"
        self.attempts.append(attempt)
        raise LeftTheMachine(f"{attempt}: tests talk to 127.0.0.1 only")


def _target(event: str, args: tuple[object, ...]) -> str | None:
    """Return the host that *event* is about, or None when it names none."""
    match event, args:
        case (
            ("socket.connect" | "socket.sendto" | "socket.sendmsg"),
            (socket.socket() as end, to),
        ):
            inet = end.family in (socket.AF_INET, socket.AF_INET6)
            return _text(to[0]) if inet and isinstance(to, tuple) else None
        case (("socket.getaddrinfo" | "socket.gethostbyname" | "socket.gethostbyaddr"), (host, *_)):
            return _text(host)
    return None


def _text(host: object) -> str | None:
    """Return *host* as text; None stands for every interface of this machine, as "" does."""
    if isinstance(host, bytes):
        return host.decode("ascii", "replace")
    return None if host is None else str(host)


def is_local(host: str) -> bool:
    """Whether *host* is this machine: loopback by number, or the name localhost."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host == "localhost"
    return address.is_loopback or address.is_unspecified


def children() -> frozenset[int]:
    """Return the ids of this process's children; empty where /proc does not tell (macOS)."""
    return frozenset(pid for pid in _listed_children() if not _kept_by_python(pid))


def _listed_children() -> Iterator[int]:
    for thread in Path("/proc/self/task").glob("*/children"):
        try:
            yield from map(int, thread.read_text().split())
        except OSError:  # the thread ended between the listing and the reading
            continue


def _kept_by_python(pid: int) -> bool:
    """Whether it is multiprocessing's own helper, which lives as long as its parent."""
    try:
        return b"resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def end_stragglers(pids: frozenset[int]) -> list[str]:
    """Kill those of *pids* that do not end by themselves, and return what they were."""
    return [description for pid in sorted(pids) if (description := _end_straggler(pid))]


def _end_straggler(pid: int) -> str | None:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    try:
        if select.select([handle], [], [], FAREWELL_S)[0]:
            return None
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        return f"{pid} ({command[:120]})"
    finally:
        os.close(handle)
