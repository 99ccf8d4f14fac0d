"""The layout of DESIGN.md as a table, and the rules that follow from it."""

from collections.abc import Iterable, Iterator
from typing import Final

from tests.architecture.source import Module, imports

#: From the ground up. A module imports from its own stage and from stages before it.
#: The order within DESIGN.md's first and last rows is the one its arrows need.
STAGES: Final = (
    "errors",
    "records",
    "config",
    "language",
    "platforms",
    "journal",
    "agent",
    "sessions",
    "rooms",
    "operate",
    "testing",
    "web",
    "app",
    "serving",
    "cli",
    "__main__",
)
#: Imports the order would allow and the design does not: neither knows the other.
STRANGERS: Final = {("journal", "platforms")}

_EDGE: Final = {"web", "app", "serving", "cli"}
_PAGES: Final = {"operate", "testing"}
#: Which stages may import a library. What is not listed here, any stage may.
IMPORTERS: Final[dict[str, set[str]]] = {
    "pydantic_settings": {"config"},
    "watchfiles": {"config"},
    "httpcore": {"platforms"},
    "httpx": {"platforms", "testing"},
    "sqlite3": {"journal"},
    "asyncpg": {"journal"},
    "claude_agent_sdk": {"agent"},
    "aiofiles": {"sessions"},
    "apscheduler": {"operate"},
    "prometheus_client": {"operate"},
    "starlette": _EDGE | _PAGES,
    "uvicorn": _EDGE | _PAGES,
    "typer": {"cli"},
}


def unknown_stages(modules: Iterable[Module]) -> Iterator[str]:
    """Yield modules that no row of the table covers."""
    for module in modules:
        if module.stage and module.stage not in STAGES:
            yield f"{module.path}: {module.stage!r} is no stage of DESIGN.md's layout"


def upward_imports(modules: Iterable[Module]) -> Iterator[str]:
    """Yield imports of a stage that stands above the importing one."""
    for module in modules:
        for node, target in imports(module):
            package, _, rest = target.partition(".")
            stage = rest.partition(".")[0]
            if package == "bot" and not _may_import(module.stage, stage):
                yield module.at(node, f"{module.stage or 'bot'} must not import {stage}")


def _may_import(importer: str, imported: str) -> bool:
    if importer == imported or imported not in STAGES:
        return True
    if importer not in STAGES or (importer, imported) in STRANGERS:
        return False
    return STAGES.index(imported) < STAGES.index(importer)


def foreign_imports(modules: Iterable[Module]) -> Iterator[str]:
    """Yield imports of a library by a stage that is not its seam."""
    for module in modules:
        for node, target in imports(module):
            library = target.partition(".")[0]
            allowed = IMPORTERS.get(library)
            if allowed is not None and module.stage not in allowed:
                yield module.at(node, f"only {', '.join(sorted(allowed))} may import {library}")


def cycles(modules: Iterable[Module]) -> Iterator[str]:
    """Yield modules that reach themselves again by their imports."""
    arrows = _arrows({module.name: module for module in modules})
    for name in arrows:
        if way := _way_back(name, arrows):
            yield " -> ".join([name, *way])


def _arrows(known: dict[str, Module]) -> dict[str, set[str]]:
    """Return which known modules each one imports.

    A package that re-exports its modules is no cycle by itself: importing ``a.b`` counts as an
    import of ``a.b`` and not of ``a``, though Python runs ``a/__init__.py`` on the way.
    """
    return {
        name: {found for _, target in imports(module) if (found := _closest(target, known))}
        - {name}
        for name, module in known.items()
    }


def _closest(target: str, known: dict[str, Module]) -> str | None:
    """Return the module that ``from x import y``, read as ``x.y``, takes something from."""
    return next((name for name in (target, target.rpartition(".")[0]) if name in known), None)


def _way_back(start: str, arrows: dict[str, set[str]]) -> list[str] | None:
    """Return the shortest way from *start* to itself."""
    ways = [[name] for name in sorted(arrows[start])]
    seen = set(arrows[start])
    for way in ways:
        if way[-1] == start:
            return way
        unseen = sorted(arrows[way[-1]] - seen)
        seen.update(unseen)
        ways.extend([*way, name] for name in unseen)
    return None
