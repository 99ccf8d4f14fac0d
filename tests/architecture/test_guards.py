"""The guards of `tests/conftest.py` bite. Nothing here sends a byte: the guard speaks before."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import settings

from tests import guards
from tests.guards import LeftTheMachine, NetworkGuard

#: An address that documentation may use and nobody has (RFC 5737).
ELSEWHERE = "192.0.2.1"


@pytest.fixture
def refused(network_guard: NetworkGuard) -> Iterator[list[str]]:
    """Take back the attempts this test makes on purpose, before the guard looks."""
    yield network_guard.attempts
    network_guard.attempts.clear()


@pytest.mark.parametrize("way", ["connect", "connect_ex"])
def test_connecting_to_another_machine_is_refused(way: str, refused: list[str]) -> None:
    """Both ways to connect a socket are stopped, and the attempt is remembered."""
    with socket.socket() as end, pytest.raises(LeftTheMachine, match="tests talk to 127"):
        getattr(end, way)((ELSEWHERE, 80))
    assert refused == [f"socket.connect to '{ELSEWHERE}'"]


def test_a_datagram_to_another_machine_is_refused(refused: list[str]) -> None:
    """UDP needs no connection, so sending is stopped as well."""
    with socket.socket(type=socket.SOCK_DGRAM) as end, pytest.raises(LeftTheMachine):
        end.sendto(b"", (ELSEWHERE, 9))
    assert len(refused) == 1


@pytest.mark.parametrize("host", ["example.com", b"example.com", ELSEWHERE])
def test_looking_up_another_machine_is_refused(host: str | bytes, refused: list[str]) -> None:
    """A look-up would ask a name server, so it is stopped before it starts."""
    with pytest.raises(LeftTheMachine):
        socket.getaddrinfo(host, 443)
    assert len(refused) == 1


async def test_asyncio_cannot_leave_either(refused: list[str]) -> None:
    """A stream of asyncio goes through the same door."""
    with pytest.raises(LeftTheMachine):
        await asyncio.open_connection(ELSEWHERE, 80)
    assert refused


async def test_a_client_library_does_not_hide_the_attempt(refused: list[str]) -> None:
    """HTTPX translates OSErrors; the refusal is none and comes through."""
    async with httpx.AsyncClient() as client:
        with pytest.raises(LeftTheMachine):
            await client.get("http://example.com/")
    assert refused


def test_this_machine_may_be_reached(network_guard: NetworkGuard) -> None:
    """Loopback, the name localhost, listening anywhere and Unix sockets are no departure."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1])).close()
    near, far = socket.socketpair()
    near.close()
    far.close()
    socket.getaddrinfo(None, 80, flags=socket.AI_PASSIVE)
    assert not network_guard.attempts


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("::1%lo", True),
        ("localhost", True),
        ("0.0.0.0", True),  # noqa: S104 - as a target it means this machine
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("localhost.example.com", False),
    ],
)
def test_only_loopback_is_local(host: str, local: bool) -> None:  # noqa: FBT001 - a table's column
    """Private and link-local networks are other machines too."""
    assert guards.is_local(host) is local


def test_isolation_takes_out_secrets_settings_and_proxies(tmp_path: Path) -> None:
    """What could reach the model, an operator's bots or a proxy is gone; the rest stays."""
    environ = {
        "ANTHROPIC_API_KEY": "k",
        "CLAUDECODE": "1",
        "CLAUDE_CODE_OAUTH_TOKEN": "t",
        "HEARTH_PORT": "1",
        "https_proxy": "p",
        "NO_PROXY": "*",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "e",
        "TRACEPARENT": "00",
        "PATH": "/usr/bin",
        "HOME": "/home/kim",
    }
    guards.isolate(environ, tmp_path)
    assert environ == {
        "PATH": "/usr/bin",
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / ".config"),
        "XDG_CACHE_HOME": str(tmp_path / ".cache"),
        "XDG_DATA_HOME": str(tmp_path / ".local/share"),
        "XDG_STATE_HOME": str(tmp_path / ".local/state"),
        "CLAUDE_CONFIG_DIR": str(tmp_path / ".claude"),
    }


def test_this_very_process_is_isolated() -> None:
    """The guard was applied to the process the tests run in, before they were imported."""
    kept = {"CLAUDE_CONFIG_DIR"}
    assert not [n for n in os.environ if n.startswith(guards.FORBIDDEN_PREFIXES) and n not in kept]
    assert "hearth-tests-" in str(Path.home())


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")
def test_a_child_left_behind_is_found_and_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that outlives its test is named and killed."""
    monkeypatch.setattr(guards, "FAREWELL_S", 0)
    before = guards.children()
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as child:
        left = guards.end_stragglers(guards.children() - before)
        child.wait()
    assert len(left) == 1
    assert str(child.pid) in left[0]
    assert guards.children() == before


def test_examples_are_the_same_on_every_run() -> None:
    """Hypothesis draws from a fixed seed and has no deadline a busy machine could miss."""
    assert settings.default.derandomize
    assert settings.default.deadline is None


async def test_an_async_test_is_watched(request: pytest.FixtureRequest) -> None:
    """The watch over tasks is put in front of every async test, without being asked for."""
    assert "ends_its_tasks" in request.fixturenames


PRETEND = '''
"""Tests that misbehave; run in a pytest of their own."""

import asyncio
import socket


async def test_leaves_a_task():
    """A task nobody waits for."""
    loop = asyncio.get_running_loop()
    test_leaves_a_task.kept = loop.create_task(asyncio.Event().wait(), name="straggler")


def test_swallows_the_refusal():
    """Code that catches everything."""
    try:
        socket.create_connection(("192.0.2.1", 80))
    except Exception:
        pass
'''


@pytest.mark.timeout(60)
def test_misbehaving_tests_fail(tmp_path: Path) -> None:
    """A task left running and a swallowed refusal each fail the test they happen in."""
    (tmp_path / "test_pretend.py").write_text(PRETEND)
    root = Path(__file__).parents[2]
    fixed = ["-p", "tests.conftest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    run = subprocess.run(  # noqa: S603 - a fixed command
        [sys.executable, "-m", "pytest", "-o", "anyio_mode=auto", *fixed, str(tmp_path)],
        cwd=root,
        check=False,
        capture_output=True,
        text=True,
    )
    assert "left tasks running: ['straggler']" in run.stdout
    assert "tried to reach another machine: [\"socket.getaddrinfo to '192.0.2.1'\"]" in run.stdout
    assert "2 passed, 2 errors" in run.stdout
