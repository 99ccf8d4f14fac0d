"""What /proc says of a process."""

import asyncio
import os
import select
import threading
from collections.abc import Callable
from pathlib import Path

from bot.agent.conversation import Conversation


def pid_of(conversation: Conversation) -> int:
    """Return the id of a conversation's child."""
    assert conversation.pid is not None
    return conversation.pid


def environment(pid: int) -> dict[str, str]:
    """Return the environment that a process was started with."""
    entries = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(entry.split("=", 1) for entry in entries if entry)


def arguments(pid: int) -> list[str]:
    """Return the argument list that everybody can read."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")


def state(pid: int) -> str:
    """Return the letter for what a process does: ``T`` is one that was stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]


async def gone(pid: int, *, within_s: float = 10.0) -> bool:
    """Wait until a process has ended, whoever its parent is."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        ready = await asyncio.to_thread(select.select, [handle], [], [], within_s)
        return bool(ready[0])
    finally:
        os.close(handle)


async def eventually(happened: Callable[[], bool], *, within_s: float = 10.0) -> None:
    """Wait until *happened*, which another process decides, becomes true."""
    assert await asyncio.to_thread(_look_until, happened, within_s), "it did not happen"


def _look_until(happened: Callable[[], bool], within_s: float) -> bool:
    never = threading.Event()
    return any(happened() or never.wait(0.01) for _ in range(int(within_s / 0.01)))
