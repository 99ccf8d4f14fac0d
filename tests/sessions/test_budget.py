"""How much memory there is, by files as the kernel writes them."""

from pathlib import Path

import pytest

from bot.sessions.budget import hot_limit, machine_bytes

GIB = 2**30
MEMINFO = "MemTotal:       16777216 kB\nMemFree:         1000000 kB\n"


def machine(folder: Path, *, meminfo: str | None = MEMINFO, **limits: str) -> int:
    """Return the memory of a machine with these limits, by cgroup; ``root`` is the root's."""
    cgroups, own = folder / "cgroup", folder / "self"
    for name, limit in limits.items():
        place = cgroups if name == "root" else cgroups / name.replace("__", "/")
        place.mkdir(parents=True, exist_ok=True)
        (place / "memory.max").write_text(f"{limit}\n")
    own.write_text("1:name=systemd:/elsewhere\n0::/system.slice/hearth.service\n")
    if meminfo is not None:
        (folder / "meminfo").write_text(meminfo)
    return machine_bytes(cgroups, own, folder / "meminfo")


def test_machine_without_limits_has_its_memory(tmp_path: Path) -> None:
    """``max`` is no limit, and neither is a file that is not there."""
    assert machine(tmp_path) == 16 * GIB
    assert machine(tmp_path, root="max") == 16 * GIB


def test_container_has_what_it_is_given(tmp_path: Path) -> None:
    """Inside of a container the root is its own cgroup."""
    assert machine(tmp_path, root=str(GIB)) == GIB


def test_unit_of_systemd_has_what_it_is_given(tmp_path: Path) -> None:
    """The least limit on the way down counts."""
    limits = {"system.slice": str(4 * GIB), "system.slice__hearth.service": str(2 * GIB)}
    assert machine(tmp_path, **limits) == 2 * GIB
    limits["system.slice__hearth.service"] = "max"
    assert machine(tmp_path, **limits) == 4 * GIB


def test_limit_above_the_machine_is_none(tmp_path: Path) -> None:
    """Nobody has more than there is."""
    assert machine(tmp_path, root="9223372036854771712") == 16 * GIB


@pytest.mark.parametrize("meminfo", [None, "", "garbage", "MemTotal: much kB", "MemTotal:"])
def test_machine_that_tells_nothing_counts_as_small(tmp_path: Path, meminfo: str | None) -> None:
    """As on macOS."""
    assert machine(tmp_path, meminfo=meminfo, root="garbage") == 2 * GIB


def test_this_machine_can_be_read() -> None:
    """Whatever this one is."""
    assert machine_bytes() > 0
    assert hot_limit(None) >= 1


@pytest.mark.parametrize(
    ("budget", "limit"), [(0, 1), (1, 1), (118 * 2**20, 1), (GIB, 8), (24 * GIB, 208)]
)
def test_budget_is_counted_in_children(budget: int, limit: int) -> None:
    """A budget for less than one still allows one: a server that answers nobody is no use."""
    assert hot_limit(budget) == limit
