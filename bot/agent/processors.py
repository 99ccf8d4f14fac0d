"""How many processors this process may use: a container on a large machine often has but one."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

_CGROUPS: Final = Path("/sys/fs/cgroup")
_OWN: Final = Path("/proc/self/cgroup")


def processors(cgroups: Path = _CGROUPS, own: Path = _OWN) -> int:
    """Return how many may be busy at once, by affinity and by the cgroups' quotas; at least 1."""
    return max(1, min([_by_affinity(), *_quotas(cgroups, own)]))


def _by_affinity() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


def _quotas(cgroups: Path, own: Path) -> Iterator[int]:
    """Yield what each cgroup on the way to us allows; inside a container the root is its own."""
    yield from _quota(cgroups)
    for line in _text(own).splitlines():
        if line.startswith("0::/"):
            path = PurePosixPath(line.removeprefix("0::/"))
            for part in (path, *path.parents):
                yield from _quota(cgroups / part)


def _quota(folder: Path) -> Iterator[int]:
    match _text(folder / "cpu.max").split():
        case [quota, period] if quota.isdecimal() and period.isdecimal() and int(period):
            yield -(-int(quota) // int(period))  # half a processor is one that is slow
        case _:
            return  # "max": no limit


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
