"""How many conversations the memory allows."""

from pathlib import Path

#: Measured: PSS of a child after 50 turns, with the shared binary counted once.
_CHILD_BYTES = 118 * 2**20
#: What the children may take of the machine or its cgroup, when the operator says nothing.
_SHARE = 0.6
_FALLBACK_BYTES = 2 * 2**30


def hot_limit(budget_bytes: int | None) -> int:
    """Return how many conversations may be open at once; at least one."""
    return max(1, (budget_bytes or int(machine_bytes() * _SHARE)) // _CHILD_BYTES)


def machine_bytes(
    cgroup: Path = Path("/sys/fs/cgroup/memory.max"), meminfo: Path = Path("/proc/meminfo")
) -> int:
    """Return the memory this process may have: the cgroup's limit, or the machine's memory."""
    found = [size for size in (_cgroup_bytes(cgroup), _meminfo_bytes(meminfo)) if size is not None]
    return min(found, default=_FALLBACK_BYTES)


def _cgroup_bytes(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _meminfo_bytes(path: Path) -> int | None:
    try:
        line = path.read_text().splitlines()[0]
    except (OSError, IndexError):
        return None
    return int(line.split()[1]) * 1024
