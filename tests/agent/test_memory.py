"""What children take: read from /proc, and remembered."""

import asyncio
import mmap
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.agent.memory import (
    FIRST_TURN_BYTES,
    PROGRAM_BYTES,
    MemorySamples,
    Pages,
    ProcProbe,
    Rollup,
    parse_pages,
    parse_rollup,
    tree_bytes,
)

MIB = 2**20
ROLLUP = """\
55d0c8a00000-7ffd4a1f2000 ---p 00000000 00:00 0                          [rollup]
Rss:              170000 kB
Pss:              105000 kB
Pss_Dirty:         96000 kB
Anonymous:         96000 kB
Swap:                  0 kB
"""

# ---- what the kernel writes ----


def test_a_rollup_is_read() -> None:
    """What is not anonymous comes from files."""
    assert parse_rollup(ROLLUP) == Rollup(pss_bytes=105_000 * 1024, file_bytes=9_000 * 1024)


@pytest.mark.parametrize("text", ["", "Pss: 1 kB", "Anonymous: 1 kB", "Pss: x kB\nAnonymous: 1 kB"])
def test_an_incomplete_rollup_says_nothing(text: str) -> None:
    """A process that ends meanwhile has an empty one."""
    assert parse_rollup(text) is None


def test_counters_are_read() -> None:
    """Resident pages less those of files are the process's own."""
    assert parse_pages("9000 42000 17000 22 0 8000 0\n") == Pages(
        anonymous_bytes=25_000 * mmap.PAGESIZE, file_bytes=17_000 * mmap.PAGESIZE
    )


@pytest.mark.parametrize("text", ["", "1 2", "1 x 3 0 0 0 0"])
def test_incomplete_counters_say_nothing(text: str) -> None:
    """As above."""
    assert parse_pages(text) is None


# ---- real processes ----

_CHILD = """\
import subprocess, sys
depth, size = int(sys.argv[1]), int(sys.argv[2])
held = b"x" * size
if depth:
    below = subprocess.Popen([sys.executable, "-c", sys.argv[3], str(depth - 1), str(size), ""],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    below.stdout.readline()
print("ready", flush=True)
sys.stdin.readline()
"""


@asynccontextmanager
async def tree(depth: int, size: int) -> AsyncIterator[int]:
    """Run a process that holds *size* bytes, and so many below it that hold as many."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CHILD, str(depth), str(size), _CHILD,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None
    await child.stdout.readline()
    try:
        yield child.pid
    finally:
        await child.communicate(b"\n")


@pytest.mark.parametrize("measure", [tree_bytes, ProcProbe().alone_bytes])
async def test_a_tree_is_measured_with_all_below_it(measure: object) -> None:
    """What a child starts is its memory too: a server of tools, say."""
    assert callable(measure)
    async with tree(0, 50 * MIB) as one, tree(1, 50 * MIB) as two:
        alone, both = measure(one), measure(two)
    assert 50 * MIB < alone < 70 * MIB
    assert 100 * MIB < both < 140 * MIB


async def test_the_share_is_what_comes_from_files() -> None:
    """A process's own memory is no part of it."""
    async with tree(0, 50 * MIB) as pid:
        share = ProcProbe().share_bytes(pid, among=1)
    assert share is not None
    assert 0 < share < 20 * MIB


def test_a_process_that_is_gone_is_not_measured() -> None:
    """Its id is not there, and no error either."""
    pid = 2**22 + 1  # above what the kernel gives
    probe = ProcProbe()
    assert tree_bytes(pid) is probe.alone_bytes(pid) is probe.share_bytes(pid, among=1) is None


async def test_where_the_kernel_sums_nothing_up_its_counters_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Then what is shared is divided by those who share it, and left out of a tree."""
    monkeypatch.setattr("bot.agent.memory.parse_rollup", lambda _text: None)
    async with tree(0, 50 * MIB) as pid:
        alone, whole = ProcProbe().alone_bytes(pid), tree_bytes(pid)
        shares = [ProcProbe().share_bytes(pid, among=among) for among in (1, 4)]
    assert alone == whole
    assert shares[0]
    assert shares[0] // 4 == shares[1]


# ---- what is remembered ----


class FakeProbe:
    """Children of known size that share a program of 40 MiB."""

    def __init__(self, **alone_mib: int) -> None:
        self.alone = {int(name.strip("_")): size * MIB for name, size in alone_mib.items()}
        self.asked: list[int] = []
        self.program = 40 * MIB

    def alone_bytes(self, pid: int) -> int | None:
        """Return what one has alone."""
        return self.alone.get(pid)

    def share_bytes(self, pid: int, *, among: int) -> int | None:
        """Return its part of the program."""
        self.asked.append(pid)
        return self.program // among if pid in self.alone else None


async def test_children_take_what_they_have_alone_and_the_program_once() -> None:
    """Each shows its part of it."""
    samples = MemorySamples(FakeProbe(_1=100, _2=120))
    await samples.look([1, 2])
    assert samples.total_bytes([1, 2]) == 260 * MIB
    assert [samples.bytes_of(pid) for pid in (1, 2)] == [120 * MIB, 140 * MIB]


async def test_nobody_takes_nothing() -> None:
    """Without children there is no program to hold."""
    samples = MemorySamples(FakeProbe())
    await samples.look([])
    assert samples.total_bytes([]) == 0


async def test_what_was_not_read_yet_counts_by_an_estimate() -> None:
    """A child that boots has no id even; it will take what the others do, or more than little."""
    samples = MemorySamples(FakeProbe(_1=120, _2=140, _3=1))
    assert samples.total_bytes([None]) == FIRST_TURN_BYTES + PROGRAM_BYTES
    assert samples.bytes_of(1) is None
    await samples.look([1, 2])
    assert samples.total_bytes([1, None, 3]) == (120 + 130 + 130 + 40) * MIB
    await samples.look([3])
    assert samples.estimate_bytes == FIRST_TURN_BYTES


async def test_what_is_not_named_is_forgotten() -> None:
    """An id may be another's the next time it is seen."""
    samples = MemorySamples(FakeProbe(_1=100, _2=100))
    await samples.look([1, 2])
    await samples.look([2])
    assert samples.bytes_of(1) is None
    assert samples.age_s(1) is None


async def test_what_ended_before_the_look_is_left_out() -> None:
    """The part of the program that the others tell stays."""
    samples = MemorySamples(FakeProbe(_2=100))
    await samples.look([2])
    await samples.look([1, 2])
    assert samples.bytes_of(1) is None
    assert samples.program_bytes == 40 * MIB


async def test_a_look_asks_one_child_for_the_program() -> None:
    """In turn: to walk the pages of each one costs too much. The last four answers count."""
    probe = FakeProbe(_1=100, _2=100, _3=100, _4=100)
    samples = MemorySamples(probe)
    for _ in range(4):
        await samples.look([1, 2, 3, 4])
    assert probe.asked == [1, 2, 3, 4]
    probe.program = 80 * MIB
    await samples.look([1, 2, 3, 4])
    assert samples.program_bytes == 50 * MIB


async def test_a_reading_knows_its_age() -> None:
    """By a clock that only goes forward."""
    moments = iter((10.0, 13.5))
    samples = MemorySamples(FakeProbe(_1=100), now=lambda: next(moments))
    await samples.look([1])
    assert samples.age_s(1) == 3.5
