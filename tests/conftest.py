"""What every test stands on: a clean environment, no network, nothing left behind."""

import asyncio
import inspect
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import anyio
import pytest
from hypothesis import settings

from tests import guards

#: Folders whose tests start servers, children or browsers: they run after all others.
SLOW = ("deployment", "contract", "invariants", "acceptance", "e2e", "demo", "browser", "chaos")

_guard = guards.NetworkGuard()

# The same examples on every run, and none kept on disk; `--hypothesis-profile=explore` looks
# for new ones. No deadline: a busy machine is no failure.
settings.register_profile("fixed", derandomize=True, deadline=None, database=None)
settings.register_profile("explore", deadline=None, database=None, max_examples=1000)
settings.load_profile("fixed")


def pytest_configure(config: pytest.Config) -> None:
    """Isolate the process before any test module is imported: some read settings on import."""
    home = Path(tempfile.mkdtemp(prefix="hearth-tests-"))
    guards.isolate(os.environ, home)
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    _guard.install()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the unit tests first, and watch over the tasks of every async one."""
    items.sort(key=lambda item: not set(SLOW).isdisjoint(item.path.parts))
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
            # Right after the backend, before all that the test asks for: it ends after them.
            at = item.fixturenames.index("anyio_backend") + 1
            item.fixturenames.insert(at, "ends_its_tasks")


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio, the only loop that the server uses."""
    return "asyncio"


@pytest.fixture
async def ends_its_tasks(anyio_backend: str) -> AsyncIterator[None]:  # noqa: ARG001 - see below
    """Fail a test that leaves a task running. Asking for the backend makes the fixture async."""
    before = asyncio.all_tasks()
    yield
    await anyio.wait_all_tasks_blocked()
    left = sorted(task.get_name() for task in asyncio.all_tasks() - before if not _is_runner(task))
    assert not left, f"the test left tasks running: {left}"


def _is_runner(task: asyncio.Task[object]) -> bool:
    """Whether *task* is AnyIO's own, in which the tests and fixtures themselves run."""
    return getattr(task.get_coro(), "__qualname__", "").startswith("TestRunner.")


@pytest.fixture(autouse=True)
def network_guard() -> Iterator[guards.NetworkGuard]:
    """Fail a test that tried to leave the machine, also when its code swallowed the refusal."""
    yield _guard
    attempts = _guard.attempts.copy()
    _guard.attempts.clear()
    assert not attempts, f"the test tried to reach another machine: {attempts}"


@pytest.fixture(autouse=True)
def _ends_its_children() -> Iterator[None]:
    before = guards.children()
    yield
    left = guards.end_stragglers(guards.children() - before)
    assert not left, f"the test left processes running: {left}"
