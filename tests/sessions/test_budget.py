"""How much memory there is and how full it is, by files as the kernel writes them."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from bot.sessions.budget import Allowance, Budget, machine_bytes, machine_pressure

MIB = 2**20
GIB = 2**30
MEMINFO = "MemTotal:       16777216 kB\nMemFree:         1000000 kB\nMemAvailable:    8388608 kB\n"


class Machine:
    """Files as the kernel writes them."""

    def __init__(self, folder: Path) -> None:
        self._cgroups, self._own, self._meminfo = (
            folder / name for name in ("cgroup", "self", "meminfo")
        )
        self._own.write_text("1:name=systemd:/elsewhere\n0::/system.slice/hearth.service\n")
        self._meminfo.write_text(MEMINFO)

    def cgroup(self, name: str = "", **files: str) -> "Machine":
        """Write files of a cgroup; the root's when it has no name."""
        folder = self._cgroups / name
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            (folder / f"memory.{file}").write_text(f"{text}\n")
        return self

    def meminfo(self, text: str | None) -> "Machine":
        """Let the machine tell something else, or nothing."""
        self._meminfo.unlink()
        if text is not None:
            self._meminfo.write_text(text)
        return self

    @property
    def bytes(self) -> int:
        """What there is."""
        return machine_bytes(self._cgroups, self._own, self._meminfo)

    @property
    def pressure(self) -> float:
        """How full it is."""
        return machine_pressure(self._cgroups, self._own, self._meminfo)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Give a machine with 16 GiB, half of it free, and no cgroups."""
    return Machine(tmp_path)


# ---- how much there is ----


def test_machine_without_limits_has_its_memory(machine: Machine) -> None:
    """``max`` is no limit, and neither is a file that is not there."""
    assert machine.bytes == 16 * GIB
    assert machine.cgroup(max="max").bytes == 16 * GIB


def test_container_has_what_it_is_given(machine: Machine) -> None:
    """Inside of a container the root is its own cgroup."""
    assert machine.cgroup(max=str(GIB)).bytes == GIB


def test_unit_of_systemd_has_what_it_is_given(machine: Machine) -> None:
    """The least limit on the way down counts."""
    machine.cgroup("system.slice", max=str(4 * GIB))
    assert machine.cgroup("system.slice/hearth.service", max=str(2 * GIB)).bytes == 2 * GIB
    assert machine.cgroup("system.slice/hearth.service", max="max").bytes == 4 * GIB


def test_limit_above_the_machine_is_none(machine: Machine) -> None:
    """Nobody has more than there is."""
    assert machine.cgroup(max="9223372036854771712").bytes == 16 * GIB


@pytest.mark.parametrize("meminfo", [None, "", "garbage", "MemTotal: much kB", "MemTotal:"])
def test_machine_that_tells_nothing_counts_as_small_and_empty(
    machine: Machine, meminfo: str | None
) -> None:
    """As on macOS."""
    machine.meminfo(meminfo).cgroup(max="garbage", current="garbage")
    assert machine.bytes == 2 * GIB
    assert machine.pressure == 0


def test_this_machine_can_be_read() -> None:
    """Whatever this one is."""
    assert machine_bytes() > 0
    assert 0 <= machine_pressure() <= 1
    assert Budget.of(None).most >= 1


# ---- how full it is ----


def test_a_machine_is_as_full_as_it_has_nothing_available(machine: Machine) -> None:
    """What the kernel could give back at once is not taken."""
    assert machine.pressure == 0.5


def test_a_container_is_as_full_as_its_limit_is_used(machine: Machine) -> None:
    """Cache that nobody uses any more is given back when it is needed."""
    machine.cgroup(max=str(GIB), current=str(900 * MIB), stat=f"anon 1\ninactive_file {4 * MIB}")
    assert machine.pressure == (900 - 4) / 1024


def test_the_fullest_counts(machine: Machine) -> None:
    """A limit further up takes memory away from us as well."""
    machine.cgroup("system.slice", max=str(GIB), current=str(GIB * 3 // 4))
    machine.cgroup("system.slice/hearth.service", max=str(GIB), current=str(GIB // 4))
    assert machine.pressure == 0.75


@pytest.mark.parametrize(("limit", "current"), [("max", "1"), ("0", "1"), ("1024", "")])
def test_a_cgroup_without_a_limit_is_never_full(machine: Machine, limit: str, current: str) -> None:
    """Only what can run out can be full."""
    assert machine.cgroup(max=limit, current=current).pressure == 0.5


@pytest.mark.parametrize(("current", "inactive", "pressure"), [(9, 0, 1.0), (1, 9, 0.5)])
def test_pressure_stays_between_none_and_all(
    machine: Machine, current: int, inactive: int, pressure: float
) -> None:
    """The kernel's counters are read one after the other and need not agree."""
    machine.cgroup(max="4", current=str(current), stat=f"inactive_file {inactive}")
    assert machine.pressure == pressure


# ---- what is allowed ----


class FakeMemory:
    """Children of known size beside a program of 80 MiB; one that boots has 100."""

    def __init__(self, **alone_mib: int) -> None:
        self._alone = {int(name.strip("_")): size * MIB for name, size in alone_mib.items()}

    def bytes_of(self, pid: int) -> int | None:
        """Return what one has."""
        return self._alone.get(pid)

    def total_bytes(self, pids: Iterable[int | None]) -> int:
        """Return what they have together."""
        return 80 * MIB + sum(self._alone.get(pid or 0, 100 * MIB) for pid in pids)


def allowance(memory: FakeMemory, *, mib: int = 1000, pressure: float = 0.0) -> Allowance:
    """Give an allowance of so much."""
    return Allowance(Budget.of(mib * MIB), memory, lambda: pressure)


def test_children_are_admitted_while_they_fit() -> None:
    """By what they take, with a little kept free for what they grow until the next look."""
    small = FakeMemory(_1=90, _2=90)
    assert allowance(small, mib=376).admits([1, 2])
    assert not allowance(small, mib=375).admits([1, 2])


def test_a_child_that_boots_counts() -> None:
    """Two that come at the same time must not both take the last place."""
    both = allowance(FakeMemory(_1=90), mib=400)
    assert both.admits([1, None])
    assert not both.admits([1, None, None])


def test_the_first_child_is_always_admitted() -> None:
    """A server that answers nobody is no use."""
    tight = allowance(FakeMemory(_1=300), mib=1)
    assert tight.admits([])
    assert not tight.admits([1])
    assert not tight.over([1])


def test_children_are_bounded_in_count() -> None:
    """Whatever they are measured to take."""
    tiny = FakeMemory(**{f"_{pid}": 1 for pid in range(1, 99)})
    small = allowance(tiny, mib=640)
    assert small.budget.most == 10
    assert small.admits(range(1, 10))
    assert not small.admits(range(1, 11))


@pytest.mark.parametrize(("mib", "places"), [(1, 1), (292, 1), (293, 2), (1000, 8), (64, 1)])
def test_an_operator_sees_how_many_children_fit(mib: int, places: int) -> None:
    """As large as one that boots, beside the program, within the part that may be used."""
    assert allowance(FakeMemory(), mib=mib).places == places


def test_children_that_have_grown_are_too_much() -> None:
    """Only above the budget itself; what is kept free is theirs to grow into."""
    grown = allowance(FakeMemory(_1=200, _2=200), mib=480)
    assert not grown.over([1, 2])
    assert allowance(FakeMemory(_1=200, _2=201), mib=480).over([1, 2])


def test_a_child_outgrows_its_own_limit() -> None:
    """One that nobody has looked at yet does not."""
    grown = allowance(FakeMemory(_1=400, _2=401))
    assert [grown.outgrown(pid) for pid in (1, 2, 3)] == [False, True, False]


@pytest.mark.parametrize(("pressure", "strained"), [(0.8, False), (0.81, True)])
def test_memory_is_strained_above_four_fifths(pressure: float, *, strained: bool) -> None:
    """Whoever it is that fills it."""
    assert allowance(FakeMemory(), pressure=pressure).strained() is strained


def test_a_budget_is_what_the_operator_says() -> None:
    """Without a word of the operator, three fifths of what there is."""
    assert Budget.of(2 * GIB, child_bytes=MIB) == Budget(
        most_bytes=2 * GIB, most=32, child_bytes=MIB
    )
    assert Budget.of(None).most_bytes == int(machine_bytes() * 0.6)
    assert Budget.of(1).most == 1
