"""Our own source, read for the rules: modules with their syntax trees, places, comments."""

import ast
import io
import subprocess
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, kw_only=True, slots=True)
class Module:
    """One source file."""

    #: Dotted, as an import names it: ``bot.rooms.lane``; a package goes by its own name.
    name: str
    #: Relative to the repository, for the messages.
    path: Path
    text: str
    tree: ast.Module

    @property
    def stage(self) -> str:
        """The row of DESIGN.md's layout it belongs to: ``rooms``; "" for ``bot`` itself."""
        return self.name.partition(".")[2].partition(".")[0]

    @property
    def is_package(self) -> bool:
        """Whether it is an ``__init__.py``: its relative imports start one level deeper."""
        return self.path.name == "__init__.py"

    def at(self, node: ast.AST, what: str) -> str:
        """Name a place in it: ``bot/rooms/lane.py:12: what``."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {what}"


def parse(text: str, path: str) -> Module:
    """Read *text* as if it were the file *path*; the rules' own tests use it directly."""
    parts = Path(path).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name=name, path=Path(path), text=text, tree=ast.parse(text, path))


@cache
def modules(folder: str) -> tuple[Module, ...]:
    """Return every Python module below *folder*, in the order of their paths."""
    return tuple(
        parse(path.read_text("utf-8"), path.relative_to(ROOT).as_posix())
        for path in sorted((ROOT / folder).rglob("*.py"))
    )


def functions(module: Module) -> Iterator[Function]:
    """Yield every function of *module*, methods and nested ones included."""
    for node in ast.walk(module.tree):
        if isinstance(node, Function):
            yield node


def calls(module: Module) -> Iterator[tuple[ast.Call, str]]:
    """Yield every call in *module* with what is called, as written: ``loop.create_task``."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def imports(module: Module) -> Iterator[tuple[ast.stmt, str]]:
    """Yield every import of *module*, wherever it stands, as an absolute dotted name.

    ``from a import b`` yields ``a.b``: only who knows all modules can say whether that is one.
    """
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node)
            yield from ((node, f"{base}.{alias.name}") for alias in node.names)


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module.name.split(".")
    up = node.level - module.is_package
    return ".".join([*package[: len(package) - up], *filter(None, [node.module])])


def comments(module: Module) -> Iterator[tuple[int, str]]:
    """Yield the comments of *module* with their lines."""
    for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def own_files() -> Iterable[Path]:
    """Return the files that are, or are about to be, committed.

    Without git (an unpacked archive) that is every file outside of hidden and generated folders,
    `.ci` excepted.
    """
    listing = subprocess.run(
        # The folder may belong to another user (a container's mount): git would refuse to look.
        ["git", "-c", "safe.directory=*", "ls-files", "-coz", "--exclude-standard"],  # noqa: S607 - whichever git is there
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    if listing.returncode == 0:
        return [path for name in listing.stdout.split("\0") if (path := ROOT / name).is_file()]
    return [path for path in ROOT.rglob("*") if path.is_file() and not _is_generated(path)]


def _is_generated(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts[:-1]
    generated = {"__pycache__", "session_cache", "bots.d"}
    return any(part in generated or (part.startswith(".") and part != ".ci") for part in parts)


def show(offences: Iterable[str]) -> str:
    """Render *offences* for an assertion, one a line."""
    return "\n" + "\n".join(offences)
