"""How many conversations the memory allows."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

#: Measured: PSS of a child after 50 turns, with the shared binary counted once.
_CHILD_BYTES = 118 * 2**20
#: What the children may take of the machine or its cgroup, when the operator says nothing.
_SHARE = 0.6
_FALLBACK_BYTES = 2 * 2**30


def hot_limit(budget_bytes: int | None) -> int:
    """Return how many conversations may be open at once; at least one."""
    budget = int(machine_bytes() * _SHARE) if budget_bytes is None else budget_bytes
    return max(1, budget // _CHILD_BYTES)


def machine_bytes(
    cgroups: Path = Path("/sys/fs/cgroup"),
    own: Path = Path("/proc/self/cgroup"),
    meminfo: Path = Path("/proc/meminfo"),
) -> int:
    """Return the memory this process may have: the least that a cgroup or the machine allows."""
    limits = [_limit_bytes(folder / "memory.max") for folder in _own_cgroups(cgroups, own)]
    found = [size for size in (*limits, _meminfo_bytes(meminfo)) if size is not None]
    return min(found, default=_FALLBACK_BYTES)


def _own_cgroups(cgroups: Path, own: Path) -> Iterator[Path]:
    """Yield the root, which is the container's own inside of one, and what lies on the way to us.

    On a machine without containers it is systemd that sets the limit, on the unit's cgroup.
    """
    yield cgroups
    for line in _text(own).splitlines():
        if line.startswith("0::/"):  # version 2; the paths of version 1 name other folders
            path = PurePosixPath(line.removeprefix("0::/"))
            yield from (cgroups / part for part in (path, *path.parents))


def _limit_bytes(path: Path) -> int | None:
    text = _text(path).strip()  # "max" when there is none
    return int(text) if text.isdecimal() else None


def _meminfo_bytes(path: Path) -> int | None:
    for line in _text(path).splitlines():
        match line.split():
            case ["MemTotal:", size, "kB"] if size.isdecimal():
                return int(size) * 1024
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
