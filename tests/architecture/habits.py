"""Habits of STYLE.md that the linter cannot see, or that a `noqa` could switch off."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from tests.architecture.source import Module, calls, comments, functions, imports

#: What the SDK is called where it is imported whole.
SDK: Final = "claude_agent_sdk"
#: Tests in these folders measure or destroy, and may wait for real time to pass.
REAL_TIME: Final = {"benchmarks", "chaos"}

_WAIVER = re.compile(r"#\s*(?:ruff:\s*|flake8:\s*)?(noqa|type:\s*ignore)\b(.*)", re.IGNORECASE)
_CODES = re.compile(
    r":?\s*\[?\s*(?P<codes>[A-Za-z]+[A-Za-z0-9-]*(?:\s*,\s*[A-Za-z]+[A-Za-z0-9-]*)*)\]?(?P<reason>.*)"
)
_WORD = re.compile(r"[a-z]{2,}", re.IGNORECASE)
#: Paths of one machine and addresses of package indexes; a reader has neither. A path counts from
#: its first slash only: `session_cache/work/` is ours.
_FOREIGN = re.compile(
    r"(?<![\w.}\])>*-])/(?:work|root|farm|home/\w+|Users/\w+)/"
    r"|(?<!\w)/tmp/h[v]\b|(?<!\w)/opt/(?:pypi|wheels)"
    r"|\bindex[-_]url\b|\bregistry\s*=\s*[\"']?https?:"
    r"|https?://[^\s\"']*(?:pypi|pythonhosted|npmjs|deb\.debian|artifact)[^\s\"']*",
    re.IGNORECASE,
)


def printing(modules: Iterable[Module]) -> Iterator[str]:
    """Yield every print outside of the commands."""
    for module in modules:
        for call, name in calls(module):
            if name in {"print", "pprint", "pprint.pprint"} and module.stage != "cli":
                yield module.at(call, "print belongs to the commands; log an event instead")


def unexplained_waivers(modules: Iterable[Module]) -> Iterator[str]:
    """Yield ``noqa`` and ``type: ignore`` that lack a code or a reason.

    The reason follows on the same line (``# noqa: S603 - a fixed command``), or is a comment of
    its own on the line before.
    """
    for module in modules:
        lines = module.text.splitlines()
        for number, comment in comments(module):
            if not (found := _WAIVER.search(comment)):
                continue
            parts = _CODES.match(found[2])
            above = lines[number - 2].strip() if number > 1 else ""
            if not parts or not parts["codes"]:
                yield f"{module.path}:{number}: {found[1]} without a code"
            elif not _WORD.search(parts["reason"]) and not above.startswith("#"):
                yield f"{module.path}:{number}: {found[1]} without a reason"


def orphan_tasks(modules: Iterable[Module]) -> Iterator[str]:
    """Yield tasks without a parent, or without a name."""
    for module in modules:
        for call, name in calls(module):
            owner, _, method = name.rpartition(".")
            if method == "ensure_future" or (method == "create_task" and _is_no_group(owner)):
                yield module.at(call, f"{name}: a task needs a TaskGroup as its parent")
            elif method == "create_task" and not _passes(call, "name"):
                yield module.at(call, f"{name}: a task needs a name=")


def _is_no_group(owner: str) -> bool:
    return owner in {"", "asyncio"} or "loop" in owner.rpartition(".")[2].lower()


def _passes(call: ast.Call, keyword: str) -> bool:
    return any(passed.arg in {keyword, None} for passed in call.keywords)


def real_sleeps(modules: Iterable[Module]) -> Iterator[str]:
    """Yield every wait for real time to pass; ``sleep(0)`` only yields to other tasks."""
    for module in modules:
        if REAL_TIME.isdisjoint(module.path.parts):
            clocks = {f"{library}.sleep" for library in ("time", "asyncio", "anyio")}
            clocks |= {"sleep"} & _imported_from(module, {"time", "asyncio", "anyio"})
            for call, name in calls(module):
                if name in clocks and not (name != "time.sleep" and _is_zero(call)):
                    yield module.at(call, f"{name}: wait for what must happen, not for time")


def _imported_from(module: Module, libraries: set[str]) -> set[str]:
    wanted = (target.rpartition(".") for _, target in imports(module))
    return {name for library, _, name in wanted if library in libraries}


def _is_zero(call: ast.Call) -> bool:
    return len(call.args) == 1 and isinstance(call.args[0], ast.Constant) and not call.args[0].value


def silent_tests(modules: Iterable[Module]) -> Iterator[str]:
    """Yield tests that do not say which behaviour they state."""
    for module in modules:
        if module.path.name.startswith("test_"):
            for function in functions(module):
                if function.name.startswith("test_") and not ast.get_docstring(function):
                    yield module.at(function, f"{function.name} has no docstring")


def private_reaches(modules: Iterable[Module]) -> Iterator[str]:
    """Yield uses of what the agent's SDK does not offer, and of anything private by name.

    The type of an object is not in the syntax; so `bot` may not waive the linter's SLF001 at all,
    nor reach a private attribute by its name in a string.
    """
    for module in modules:
        for node, target in imports(module):
            if target.partition(".")[0] == SDK and any(map(_is_private, target.split("."))):
                yield module.at(node, f"{target} is private")
        for call, name in calls(module):
            if name in {"getattr", "setattr", "delattr"} and _names_private(call):
                yield module.at(call, f"{ast.unparse(call)} reaches for a private attribute")
        for number, comment in comments(module):
            if "SLF001" in comment and "noqa" in comment:
                yield f"{module.path}:{number}: SLF001 is not waived in bot/"
        yield from _private_attributes(module)


def _names_private(call: ast.Call) -> bool:
    match call.args:
        case [_, ast.Constant(value=str(name)), *_]:
            return _is_private(name)
    return False


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def _private_attributes(module: Module) -> Iterator[str]:
    whole = {SDK} | {
        alias.asname
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.asname and alias.name.partition(".")[0] == SDK
    }
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and _is_private(node.attr):
            written = ast.unparse(node)
            if written.partition(".")[0] in whole:
                yield module.at(node, f"{written} is private")


def foreign_places(path: Path, text: str) -> Iterator[str]:
    """Yield lines of *text* that name one machine's folders or a package index."""
    for number, line in enumerate(text.splitlines(), 1):
        if found := _FOREIGN.search(line):
            yield f"{path}:{number}: {found[0]}"
