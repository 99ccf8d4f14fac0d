"""How many children the memory allows, in bytes and in count.

    allowance = Allowance(Budget.of(settings.memory_budget_bytes), samples)
    allowance.admits(pids)    # may one more child boot beside these? None: one that boots now
    allowance.over(pids)      # do these take more than they may? then an idle one has to go
    allowance.outgrown(pid)   # is this one larger than its own limit? then it is to be recycled
    allowance.strained()      # is cgroup or machine nearly full, whoever it is that fills it?
    allowance.places          # how many fit, as large as they are now: for the statistics

*pids* are the children there are, spares and booting ones (None) included; they count from before
their boot until they are gone. Nothing here waits or reads a child: *samples* is what a job has
read last (`bot.agent.memory`). Only `strained` looks at the machine: three short files.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

_MIB: Final = 2**20
#: No child was ever smaller: what the budget allows in count, whatever is measured.
_LEAST_CHILD_BYTES: Final = 64 * _MIB
#: What the children may take of the machine or its cgroup, when the operator says nothing.
_SHARE: Final = 0.6
_FALLBACK_BYTES: Final = 2 * 2**30
#: A child above this is recycled between turns: a resumed one is smaller.
CHILD_LIMIT_BYTES: Final = 400 * _MIB
#: The part of the budget that nobody is admitted to: measured, a child takes 13 MiB more during a
#: turn than between two, and not all are looked at during one.
_HEADROOM: Final = 1 / 24
#: As full as cgroup or machine may be.
_STRAIN: Final = 0.8
_CGROUPS: Final = Path("/sys/fs/cgroup")
_OWN: Final = Path("/proc/self/cgroup")
_MEMINFO: Final = Path("/proc/meminfo")


class Memory(Protocol):
    """What was last read of the children."""

    def bytes_of(self, pid: int) -> int | None:
        """Return what a child takes; None when it was not read yet."""
        ...

    def total_bytes(self, pids: Iterable[int | None]) -> int:
        """Return what children take together, those by an estimate that were not read yet."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """What the children may take."""

    #: All together, their program counted once.
    most_bytes: int
    #: How many at once.
    most: int
    #: One alone.
    child_bytes: int = CHILD_LIMIT_BYTES

    @classmethod
    def of(cls, most_bytes: int | None, *, child_bytes: int = CHILD_LIMIT_BYTES) -> "Budget":
        """Return the budget that the operator has set, or else the machine's share."""
        size = int(machine_bytes() * _SHARE) if most_bytes is None else most_bytes
        return cls(
            most_bytes=size, most=max(1, size // _LEAST_CHILD_BYTES), child_bytes=child_bytes
        )


class Allowance:
    """Judges children by their budget."""

    def __init__(
        self, budget: Budget, memory: Memory, pressure: Callable[[], float] | None = None
    ) -> None:
        self.budget = budget
        self._memory = memory
        self._pressure = pressure or machine_pressure

    def admits(self, pids: Collection[int | None]) -> bool:
        """Tell whether one more child may boot beside these.

        The first always may: a server that answers nobody is no use.
        """
        if not pids:
            return True
        return len(pids) < self.budget.most and self.total_bytes([*pids, None]) <= self._limit_bytes

    @property
    def places(self) -> int:
        """How many children fit, as large as they are now; for whoever looks, not to decide by."""
        first = self.total_bytes([None])
        each = self.total_bytes([None, None]) - first
        fit = 1 + int(self._limit_bytes - first) // max(1, each)
        return max(1, min(self.budget.most, fit))

    def over(self, pids: Collection[int | None]) -> bool:
        """Tell whether these take more than they may; a single one never does."""
        return len(pids) > 1 and self.total_bytes(pids) > self.budget.most_bytes

    def outgrown(self, pid: int) -> bool:
        """Tell whether a child is over its own limit."""
        size = self._memory.bytes_of(pid)
        return size is not None and size > self.budget.child_bytes

    def strained(self) -> bool:
        """Tell whether cgroup or machine are nearly full."""
        return self._pressure() > _STRAIN

    def total_bytes(self, pids: Iterable[int | None]) -> int:
        """Return what these take together."""
        return self._memory.total_bytes(pids)

    @property
    def _limit_bytes(self) -> float:
        return self.budget.most_bytes * (1 - _HEADROOM)


def machine_bytes(cgroups: Path = _CGROUPS, own: Path = _OWN, meminfo: Path = _MEMINFO) -> int:
    """Return the memory this process may have: the least that a cgroup or the machine allows."""
    limits = [_number(folder / "memory.max") for folder in _own_cgroups(cgroups, own)]
    found = [size for size in (*limits, _meminfo(meminfo).get("MemTotal")) if size is not None]
    return min(found, default=_FALLBACK_BYTES)


def machine_pressure(cgroups: Path = _CGROUPS, own: Path = _OWN, meminfo: Path = _MEMINFO) -> float:
    """Return how full the fullest of machine and own cgroups is, from 0 to 1; 0 when unknown."""
    fills = [_cgroup_pressure(folder) for folder in _own_cgroups(cgroups, own)]
    return max(0.0, min(1.0, max([*fills, _machine_pressure(_meminfo(meminfo))])))


def _cgroup_pressure(folder: Path) -> float:
    """Tell how full a cgroup is; cache that nobody uses is given back when it is needed."""
    limit, current = _number(folder / "memory.max"), _number(folder / "memory.current")
    if not limit or current is None:
        return 0.0
    return (current - _inactive_bytes(folder / "memory.stat")) / limit


def _inactive_bytes(path: Path) -> int:
    for line in _text(path).splitlines():
        match line.split():
            case ["inactive_file", size] if size.isdecimal():
                return int(size)
    return 0


def _machine_pressure(meminfo: dict[str, int]) -> float:
    total, available = meminfo.get("MemTotal"), meminfo.get("MemAvailable")
    return 1 - available / total if total and available is not None else 0.0


def _own_cgroups(cgroups: Path, own: Path) -> Iterator[Path]:
    """Yield the root, which is the container's own inside of one, and what lies on the way to us.

    On a machine without containers it is systemd that sets the limit, on the unit's cgroup.
    """
    yield cgroups
    for line in _text(own).splitlines():
        if line.startswith("0::/"):  # version 2; the paths of version 1 name other folders
            path = PurePosixPath(line.removeprefix("0::/"))
            yield from (cgroups / part for part in (path, *path.parents))


def _number(path: Path) -> int | None:
    text = _text(path).strip()  # "max" when there is no limit
    return int(text) if text.isdecimal() else None


def _meminfo(path: Path) -> dict[str, int]:
    """Return the sizes that the machine tells, in bytes."""
    found: dict[str, int] = {}
    for line in _text(path).splitlines():
        match line.split():
            case [name, size, "kB"] if size.isdecimal():
                found[name.removesuffix(":")] = int(size) * 1024
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
