"""STYLE.md's budgets, measured."""

import ast
from collections.abc import Iterable, Iterator
from math import ceil
from typing import Final

from tests.architecture.source import Function, Module, calls, functions

FILE_LINES: Final = 300
#: From `def` to the last line.
FUNCTION_LINES: Final = 45
BODY_LINES: Final = 40
BODY_MEDIAN: Final = 6
BODY_P90: Final = 18
BROAD_EXCEPTS: Final = 3


def long_files(modules: Iterable[Module]) -> Iterator[str]:
    """Yield files over the budget."""
    for module in modules:
        if (lines := module.text.count("\n")) > FILE_LINES:
            yield f"{module.path}:1: {lines} lines, {FILE_LINES} at most"


def long_functions(modules: Iterable[Module]) -> Iterator[str]:
    """Yield functions over the budget, signature and docstring included."""
    for module in modules:
        for function in functions(module):
            lines = _end(function) - function.lineno + 1
            if lines > FUNCTION_LINES:
                yield module.at(function, f"{function.name}: {lines} lines")


def bodies(modules: Iterable[Module]) -> list[tuple[int, str]]:
    """Return the length and place of every function body, longest first.

    A docstring is not counted, and a stub (a protocol's ``...``) is no body.
    """
    return sorted(
        (
            (_body_lines(function), module.at(function, function.name))
            for module in modules
            for function in functions(module)
            if not _is_stub(function)
        ),
        key=lambda body: (-body[0], body[1]),
    )


def quantile(lengths: list[int], share: float) -> int:
    """Return the length that *share* of all lengths do not exceed."""
    return sorted(lengths)[max(0, ceil(share * len(lengths)) - 1)] if lengths else 0


def _statements(function: Function) -> list[ast.stmt]:
    return function.body[1:] if ast.get_docstring(function) is not None else function.body


def _is_stub(function: Function) -> bool:
    return all(
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and statement.value.value is ...
        for statement in _statements(function)
    )


def _body_lines(function: Function) -> int:
    return _end(function) - _statements(function)[0].lineno + 1


def _end(function: Function) -> int:
    return function.end_lineno or function.lineno


def broad_excepts(modules: Iterable[Module]) -> Iterator[str]:
    """Yield every place that catches, or suppresses, whatever may happen."""
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ExceptHandler) and _is_broad(node.type):
                yield module.at(node, "broad except")
        for call, name in calls(module):
            if name.endswith("suppress") and any(map(_is_broad, call.args)):
                yield module.at(call, "broad suppress")


def _is_broad(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    broad = {"Exception", "BaseException", "builtins.Exception", "builtins.BaseException"}
    return any(ast.unparse(kind) in broad for kind in kinds)
