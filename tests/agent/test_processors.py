"""How many processors there are for us."""

from pathlib import Path

import pytest

from bot.agent import processors as module
from bot.agent.processors import processors


@pytest.fixture(autouse=True)
def eight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have eight processors in the machine."""
    monkeypatch.setattr(module, "_by_affinity", lambda: 8)


@pytest.mark.parametrize(
    ("root", "ours", "count"),
    [
        (None, None, 8),
        ("max 100000", "max 100000", 8),
        ("200000 100000", None, 2),
        ("max 100000", "150000 100000", 2),
        ("100000 100000", "400000 100000", 1),
        ("1000 100000", None, 1),
        ("1600000 100000", None, 8),
        ("nonsense", "5", 8),
    ],
)
def test_the_least_of_machine_and_quotas(
    tmp_path: Path, root: str | None, ours: str | None, count: int
) -> None:
    """A container's own quota is at the root, a unit's on the way to it."""
    own = tmp_path / "own"
    own.write_text("1:cpu:/other\n0::/system.slice/hearth.service\n")
    folder = tmp_path / "system.slice" / "hearth.service"
    folder.mkdir(parents=True)
    for place, text in ((tmp_path, root), (folder, ours)):
        if text is not None:
            (place / "cpu.max").write_text(text + "\n")
    assert processors(tmp_path, own) == count


def test_where_nothing_is_told_the_machine_counts(tmp_path: Path) -> None:
    """No cgroups, of this version or at all."""
    assert processors(tmp_path / "none", tmp_path / "none") == 8
