"""Each rule finds what it forbids and leaves alone what it allows: none passes for being blind."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests.architecture import budgets, habits, layers
from tests.architecture.source import Module, imports, parse

Rule = Callable[[Iterable[Module]], Iterator[str]]

FORBIDDEN: list[tuple[Rule, str, str]] = [
    (layers.unknown_stages, "bot/misc.py", ""),
    (layers.upward_imports, "bot/errors.py", "import bot.config"),
    (layers.upward_imports, "bot/sessions/files.py", "from bot.rooms import lane"),
    (layers.upward_imports, "bot/sessions/files.py", "from ..rooms import lane"),
    (layers.upward_imports, "bot/sessions/__init__.py", "from ..rooms import lane"),
    (layers.upward_imports, "bot/web/routes.py", "def late():\n    from bot import app"),
    (layers.upward_imports, "bot/__init__.py", "from bot import app"),
    (layers.upward_imports, "bot/journal/sqlite.py", "from bot.platforms import base"),
    (layers.foreign_imports, "bot/rooms/turn.py", "import httpx"),
    (layers.foreign_imports, "bot/rooms/turn.py", "from claude_agent_sdk.types import X"),
    (budgets.long_files, "bot/rooms/turn.py", "\n" * 301),
    (budgets.long_functions, "bot/a.py", "def long():" + "\n    go()" * 46),
    (budgets.broad_excepts, "bot/a.py", "try:\n    go()\nexcept:\n    pass"),
    (budgets.broad_excepts, "bot/a.py", "try:\n    go()\nexcept (OSError, Exception):\n    pass"),
    (budgets.broad_excepts, "bot/a.py", "with contextlib.suppress(BaseException):\n    go()"),
    (habits.printing, "bot/rooms/turn.py", "print('x')"),
    (habits.unexplained_waivers, "bot/a.py", "go()  # noqa"),
    (habits.unexplained_waivers, "bot/a.py", "go()  # noqa: S603"),
    (habits.unexplained_waivers, "bot/a.py", "go()  # type: ignore"),
    (habits.unexplained_waivers, "bot/a.py", "go()  # type: ignore[arg-type]"),
    (habits.orphan_tasks, "bot/a.py", "asyncio.create_task(go(), name='x')"),
    (habits.orphan_tasks, "bot/a.py", "create_task(go(), name='x')"),
    (habits.orphan_tasks, "bot/a.py", "asyncio.get_running_loop().create_task(go(), name='x')"),
    (habits.orphan_tasks, "bot/a.py", "self._loop.create_task(go(), name='x')"),
    (habits.orphan_tasks, "bot/a.py", "asyncio.ensure_future(go())"),
    (habits.orphan_tasks, "bot/a.py", "group.create_task(go())"),
    (habits.real_sleeps, "tests/a.py", "time.sleep(0)"),
    (habits.real_sleeps, "tests/a.py", "await asyncio.sleep(0.1)"),
    (habits.real_sleeps, "tests/a.py", "from anyio import sleep\nawait sleep(delay)"),
    (habits.silent_tests, "tests/test_a.py", "class TestA:\n    def test_b(self): ..."),
    (habits.private_reaches, "bot/agent/a.py", "from claude_agent_sdk._internal import x"),
    (habits.private_reaches, "bot/agent/a.py", "import claude_agent_sdk as sdk\nsdk._x"),
    (habits.private_reaches, "bot/agent/a.py", "getattr(client, '_transport')"),
    (habits.private_reaches, "bot/agent/a.py", "client._transport  # noqa: SLF001 - alas"),
]

ALLOWED: list[tuple[Rule, str, str]] = [
    (layers.unknown_stages, "bot/rooms/lane.py", ""),
    (layers.upward_imports, "bot/rooms/lane.py", "from bot.sessions import files\nimport json"),
    (layers.upward_imports, "bot/rooms/lane.py", "from . import turn\nfrom .turn import Turn"),
    (layers.upward_imports, "bot/app.py", "from bot import __version__, web"),
    (layers.foreign_imports, "bot/platforms/campfire/api.py", "import httpx"),
    (budgets.long_functions, "bot/a.py", "def long():" + "\n    go()" * 44),
    (budgets.broad_excepts, "bot/a.py", "try:\n    go()\nexcept OSError:\n    pass"),
    (habits.printing, "bot/cli/demo.py", "print('x')"),
    (habits.unexplained_waivers, "bot/a.py", "go()  # noqa: S603, S607 - a fixed command"),
    (habits.unexplained_waivers, "bot/a.py", "# A fixed command.\ngo()  # noqa: S603"),
    (habits.unexplained_waivers, "bot/a.py", "go()  # type: ignore[arg-type] # a stub's mistake"),
    (habits.unexplained_waivers, "bot/a.py", "go('# noqa')"),
    (habits.orphan_tasks, "bot/a.py", "group.create_task(go(), name='x')"),
    (habits.real_sleeps, "tests/a.py", "await asyncio.sleep(0)"),
    (habits.real_sleeps, "tests/chaos/a.py", "time.sleep(1)"),
    (habits.silent_tests, "tests/test_a.py", "def test_b():\n    '''It holds.'''"),
    (habits.private_reaches, "bot/agent/a.py", "from claude_agent_sdk import __version__"),
    (habits.private_reaches, "bot/agent/a.py", "self._client.query()"),
]


@pytest.mark.parametrize(("rule", "path", "text"), FORBIDDEN)
def test_a_rule_finds_what_it_forbids(rule: Rule, path: str, text: str) -> None:
    """One offence, named with its file and line."""
    (offence,) = rule([parse(text, path)])
    assert offence.startswith(f"{path}:")


@pytest.mark.parametrize(("rule", "path", "text"), ALLOWED)
def test_a_rule_leaves_the_rest_alone(rule: Rule, path: str, text: str) -> None:
    """What a rule allows is not reported."""
    assert not list(rule([parse(text, path)]))


def test_a_cycle_is_found_with_its_way() -> None:
    """Each module on the cycle is reported, with the shortest way back."""
    circle = [
        parse("from bot.b import thing", "bot/a.py"),
        parse("from bot import c", "bot/b.py"),
        parse("if TYPE_CHECKING:\n    from .a import A", "bot/c.py"),
        parse("from bot import a", "bot/d.py"),
    ]
    assert list(layers.cycles(circle)) == [
        "bot.a -> bot.b -> bot.c -> bot.a",
        "bot.b -> bot.c -> bot.a -> bot.b",
        "bot.c -> bot.a -> bot.b -> bot.c",
    ]


def test_a_package_may_offer_what_its_modules_hold() -> None:
    """Re-exporting is no cycle, as long as the modules do not import their package's names."""
    inner = "from bot.rooms.turn import Turn"
    package = [
        parse("from bot.rooms.lane import Lane", "bot/rooms/__init__.py"),
        parse(inner, "bot/rooms/lane.py"),
        parse("", "bot/rooms/turn.py"),
    ]
    assert not list(layers.cycles(package))
    package[2] = parse("from bot.rooms import Lane", "bot/rooms/turn.py")
    assert list(layers.cycles(package))


def test_relative_imports_are_made_absolute() -> None:
    """A module and a package count their dots from different places."""
    assert [name for _, name in imports(parse("from . import b", "bot/a/c.py"))] == ["bot.a.b"]
    assert [name for _, name in imports(parse("from . import b", "bot/a/__init__.py"))] == [
        "bot.a.b"
    ]
    assert [name for _, name in imports(parse("from ..x import b", "bot/a/c.py"))] == ["bot.x.b"]


def test_bodies_are_measured_without_docstrings_and_stubs() -> None:
    """A docstring is no work, and a protocol's method has no body."""
    text = '''
def told():
    """Say.

    At length.
    """
    go()
    stay()

class Port(Protocol):
    def stub(self): ...
    def described(self):
        """Only say."""
'''
    assert budgets.bodies([parse(text, "bot/a.py")]) == [(2, "bot/a.py:2: told")]


def test_quantiles_are_lengths_that_occur() -> None:
    """The median of an even number is the lower of the two in the middle."""
    assert budgets.quantile([4, 1, 3, 2], 0.5) == 2
    assert budgets.quantile(list(range(1, 11)), 0.9) == 9
    assert budgets.quantile([], 0.9) == 0


@pytest.mark.parametrize("folder", ["work", "root", "home/kim"])
def test_a_machine_path_is_found(folder: str) -> None:
    """An absolute path of somebody's machine is found, wherever it stands in the line."""
    (offence,) = habits.foreign_places(Path("a.md"), f'x\nsee "/{folder}/notes"')
    assert offence.startswith("a.md:2:")


@pytest.mark.parametrize("host", ["pypi.org/simple", "files.pythonhosted.org/x"])
def test_an_index_is_found(host: str) -> None:
    """The address of a package index is found."""
    assert list(habits.foreign_places(Path("a.txt"), f"https://{host}"))


def test_our_own_folders_are_not_taken_for_a_machine() -> None:
    """`session_cache/work/…` is part of the outside view."""
    assert not list(habits.foreign_places(Path("a.md"), "session_cache/work/ada and {x}/work/ada"))
