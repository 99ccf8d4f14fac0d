"""DESIGN.md's layout holds: arrows point one way, and a library is known at its seam only."""

from tests.architecture import layers
from tests.architecture.source import ROOT, modules, own_files, show


def test_every_module_has_its_row() -> None:
    """A new top-level module or package needs a row in the layout first."""
    offences = list(layers.unknown_stages(modules("bot")))
    assert not offences, show(offences)


def test_modules_import_from_rows_above_only() -> None:
    """No stage knows the ones that build on it."""
    offences = list(layers.upward_imports(modules("bot")))
    assert not offences, show(offences)


def test_no_module_imports_itself_by_a_detour() -> None:
    """There is no import cycle, not even one that only type checkers see."""
    offences = list(layers.cycles(modules("bot")))
    assert not offences, show(offences)


def test_libraries_are_imported_at_their_seam_only() -> None:
    """A library has one stage that knows it, which translates its exceptions and types."""
    offences = list(layers.foreign_imports(modules("bot")))
    assert not offences, show(offences)


def test_the_top_level_is_easy_to_survey() -> None:
    """What is there beside hidden files is agreed upon, one by one."""
    named = {path.relative_to(ROOT).parts[0] for path in own_files()}
    assert {name for name in named if not name.startswith(".")} == {
        *("pyproject.toml", "constraints.txt", "README.md"),
        *("Dockerfile", "compose.yaml"),
        *("bot", "bots.d", "session_cache", "tests"),
    }
