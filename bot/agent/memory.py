"""What the children take of the machine's memory: read now and then, never when somebody waits.

The memory of a process tree is its proportional set size (PSS): what it has alone, and its part of
what it shares. What children share is their program, 80 MiB of file pages that the kernel holds
once. To read all of it the kernel walks the pages of a child, which takes 2 to 7 ms: with fifty
children every few seconds, an idle server would be a busy one. So `MemorySamples` takes the halves
apart. What a child has alone comes from the kernel's own counters, of every child at every look, in
a few tenths of a millisecond; the pages of the program are looked up in one child at each look,
which stands for all of them. Together they are within 2 % of the whole PSS.

    samples = MemorySamples()
    await samples.look(pids)          # a job, every few seconds: in a thread, one by one
    samples.bytes_of(pid)             # for the statistics; None before the first look
    samples.total_bytes([pid, None])  # together; None is a child that boots
"""

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Final, Protocol

from bot.agent.child import children

#: Measured: what a child has alone in its first turn: 93 MiB before, 100 two seconds afterwards.
FIRST_TURN_BYTES: Final = 114 * 2**20
#: Measured: the pages of the program, held once for all children.
PROGRAM_BYTES: Final = 80 * 2**20
#: How many looks at the program's pages count: each child has touched a few others.
_LOOKS: Final = 4
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollup:
    """What the kernel sums up over all mappings of a process."""

    #: Proportional: what several processes share counts by its share.
    pss_bytes: int
    #: The part of it that comes from files: the pages that children share.
    file_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """What was read of one child."""

    #: What the child has alone, and all that the processes take which it started.
    alone_bytes: int
    #: The moment, on the clock of the samples.
    at: float


class Probe(Protocol):
    """What reads a child. It blocks: for a thread."""

    def alone_bytes(self, pid: int) -> int | None:
        """Return what a child has alone; None when it is gone."""
        ...

    def share_bytes(self, pid: int, *, among: int) -> int | None:
        """Return a child's part of what so many children share; None when it is gone."""
        ...


class MemorySamples:
    """What was last read of each child."""

    def __init__(
        self, probe: Probe | None = None, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._probe = probe or ProcProbe()
        self._now = now
        self._samples: dict[int, Sample] = {}
        self._looks = 0
        #: The pages of the program, as the last looks found them.
        self._program: deque[int] = deque(maxlen=_LOOKS)

    async def look(self, pids: Collection[int]) -> None:
        """Read the children *pids*, one after the other, and forget all others."""
        order = tuple(pids)
        asked = order[self._looks % len(order)] if order else None
        self._looks += 1
        self._samples, program = await asyncio.to_thread(self._read, order, asked)
        if program is not None:
            self._program.append(program)

    def bytes_of(self, pid: int) -> int | None:
        """Return what a child takes, with its part of the program; None before the first look."""
        sample = self._samples.get(pid)
        if sample is None:
            return None
        return sample.alone_bytes + self.program_bytes // len(self._samples)

    def age_s(self, pid: int) -> float | None:
        """Return how long ago a child was read; None before the first look."""
        sample = self._samples.get(pid)
        return None if sample is None else self._now() - sample.at

    def total_bytes(self, pids: Iterable[int | None]) -> int:
        """Return what the children take together, the program once.

        None stands for a child that boots; it and whoever was not read yet count by the estimate.
        """
        alone = [self._alone_bytes(pid) for pid in pids]
        return sum(alone) + self.program_bytes if alone else 0

    @property
    def estimate_bytes(self) -> int:
        """What one more child will have alone: as much as the others, or as in a first turn."""
        alone = [sample.alone_bytes for sample in self._samples.values()]
        return max(FIRST_TURN_BYTES, int(fmean(alone))) if alone else FIRST_TURN_BYTES

    @property
    def program_bytes(self) -> int:
        """What all children share, once."""
        return int(fmean(self._program)) if self._program else PROGRAM_BYTES

    def _alone_bytes(self, pid: int | None) -> int:
        sample = self._samples.get(pid) if pid is not None else None
        return self.estimate_bytes if sample is None else sample.alone_bytes

    def _read(
        self, pids: tuple[int, ...], asked: int | None
    ) -> tuple[dict[int, Sample], int | None]:
        """Return what was read of each, and what *asked* tells of the program. In a thread."""
        share = None if asked is None else self._probe.share_bytes(asked, among=len(pids))
        found = ((pid, self._probe.alone_bytes(pid)) for pid in pids)
        samples = {
            pid: Sample(alone_bytes=size, at=self._now()) for pid, size in found if size is not None
        }
        return samples, None if share is None else share * len(pids)


class ProcProbe:
    """Reads ``/proc``."""

    def alone_bytes(self, pid: int) -> int | None:
        """Return anonymous memory, from the kernel's counters, and the PSS of what it started."""
        pages = _pages(pid)
        if pages is None:
            return None
        return pages.anonymous_bytes + sum(tree_bytes(child) or 0 for child in children(pid))

    def share_bytes(self, pid: int, *, among: int) -> int | None:
        """Return file pages by their share; where the kernel does not tell, an equal one."""
        rollup = parse_rollup(_text(pid, "smaps_rollup"))
        if rollup is not None:
            return rollup.file_bytes
        pages = _pages(pid)
        return None if pages is None else pages.file_bytes // among


def tree_bytes(pid: int) -> int | None:
    """Return the PSS of *pid* and all it started; None when it is gone. Walks all their pages.

    Where the kernel does not tell (another user's process, gVisor), what is shared is left out.
    """
    own = _pss_bytes(pid)
    if own is None:
        return None
    return own + sum(tree_bytes(child) or 0 for child in children(pid))


def parse_rollup(text: str) -> Rollup | None:
    """Read ``/proc/{pid}/smaps_rollup``; None when it says less than it should."""
    sizes: dict[str, int] = {}
    for line in text.splitlines():
        match line.split():
            case [name, size, "kB"] if size.isdecimal():
                sizes[name] = int(size) * 1024
    if not {"Pss:", "Anonymous:"} <= sizes.keys():
        return None
    pss_bytes = sizes["Pss:"]
    return Rollup(pss_bytes=pss_bytes, file_bytes=max(0, pss_bytes - sizes["Anonymous:"]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Pages:
    """The kernel's counters of one process."""

    anonymous_bytes: int
    #: Resident pages of files, whoever else has them too.
    file_bytes: int


def parse_pages(text: str) -> Pages | None:
    """Read ``/proc/{pid}/statm``; None when it says less than it should."""
    match text.split():
        case [_, resident, shared, *_] if resident.isdecimal() and shared.isdecimal():
            alone = max(0, int(resident) - int(shared))
            return Pages(anonymous_bytes=alone * _PAGE_BYTES, file_bytes=int(shared) * _PAGE_BYTES)
    return None


def _pss_bytes(pid: int) -> int | None:
    rollup = parse_rollup(_text(pid, "smaps_rollup"))
    if rollup is not None:
        return rollup.pss_bytes
    pages = _pages(pid)
    return None if pages is None else pages.anonymous_bytes


def _pages(pid: int) -> Pages | None:
    return parse_pages(_text(pid, "statm"))


def _text(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(encoding="ascii", errors="replace")
    except OSError:  # it is gone, or not ours to look at
        return ""
