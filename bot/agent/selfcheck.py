"""One look at the child before the first message needs it."""

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from claude_agent_sdk import __version__ as sdk_version

from bot.errors import AgentMissing

#: Flags that our options become; a child that does not know one would end at once. Its help keeps
#: silent about a few more, such as `--max-turns`.
_FLAGS = (
    "--verbose",
    "--input-format",
    "--output-format",
    "--model",
    "--fallback-model",
    "--effort",
    "--max-budget-usd",
    "--bare",
    "--disable-slash-commands",
    "--strict-mcp-config",
    "--setting-sources",
    "--session-id",
    "--no-session-persistence",
    "--resume",
    "--tools",
    "--allowedTools",
    "--permission-mode",
    "--include-partial-messages",
    "--mcp-config",
    "--system-prompt",
)
_SECONDS = 30.0
#: Beside the launcher: which child was in order.
_NOTE = "child.checked"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChildVersion:
    """Which agent runs here."""

    #: Version of the claude-agent-sdk package.
    sdk: str
    #: Version that the child reports of itself.
    child: str


async def look_at_child(launcher: Path, child: Path, environment: dict[str, str]) -> ChildVersion:
    """Check *child* as `check_child` does, unless the very same was in order at an earlier start.

    Two runs of it take half a second of a busy machine, in which nobody is answered.
    """
    note, same = launcher.with_name(_NOTE), _fingerprint(launcher, child)
    if same is not None and _read(note) == same:
        return ChildVersion(sdk=sdk_version, child=_expected_version(child))
    found = await check_child(launcher, child, environment)
    if same is not None:
        with suppress(OSError):  # the next start looks again
            note.write_text(same, encoding="utf-8")
    return found


def _fingerprint(launcher: Path, child: Path) -> str | None:
    """Describe child and launcher so that a change shows, of rights and owners too."""
    try:
        of_child = child.stat()
        script = sha256(launcher.read_bytes()).hexdigest()
    except OSError:
        return None
    numbers = (of_child.st_dev, of_child.st_ino, of_child.st_size, of_child.st_ctime_ns)
    return " ".join(map(str, (sdk_version, child, *numbers, script)))


def _read(note: Path) -> str | None:
    try:
        return note.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


async def check_child(launcher: Path, child: Path, environment: dict[str, str]) -> ChildVersion:
    """Run *child* twice through its launcher, for its version and for its help.

    *environment* is all that it sees. Raises AgentMissing, which says what is not there.
    """
    if not os.access(child, os.X_OK):
        raise AgentMissing(
            f"{child.name} is not in the claude-agent-sdk package: only its wheels for glibc"
            " Linux (x86_64, aarch64), macOS and Windows bring it; Alpine and other musl systems"
            " cannot run it"
        )
    version = (await _told(launcher, "--version", environment)).strip()
    expected = _expected_version(child)
    if version != expected:
        raise AgentMissing(
            f"the child says version {version!r}, but claude-agent-sdk {sdk_version} came with"
            f" {expected!r}; install the package anew"
        )
    words = await _told(launcher, "--help", environment)
    missing = [flag for flag in _FLAGS if flag not in words]
    if missing:
        raise AgentMissing(f"the child {version} does not know {', '.join(missing)}")
    return ChildVersion(sdk=sdk_version, child=version)


def _expected_version(child: Path) -> str:
    path = child.with_name("claude.version")
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise AgentMissing(
            f"{path.name} of the claude-agent-sdk package cannot be read ({error.strerror});"
            " install the package anew"
        ) from error


class _Killed(AgentMissing):
    """Somebody ended the child; that says nothing about it."""


async def _told(launcher: Path, flag: str, environment: dict[str, str]) -> str:
    """Return what the child prints; one that was killed is asked once more."""
    try:
        return await _output(launcher, flag, environment)
    except _Killed:
        return await _output(launcher, flag, environment)


async def _output(launcher: Path, flag: str, environment: dict[str, str]) -> str:
    try:
        child = await asyncio.create_subprocess_exec(
            str(launcher),
            flag,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise AgentMissing(f"the child cannot be run: {error}") from error
    try:
        async with asyncio.timeout(_SECONDS):
            out, err = await child.communicate()
    except TimeoutError:
        raise AgentMissing(f"the child did not answer {flag} within {_SECONDS:g} s") from None
    finally:
        if child.returncode is None:
            with suppress(ProcessLookupError):  # it has ended just now
                child.kill()
            await child.wait()
    if child.returncode != 0:
        fault = _Killed if (child.returncode or 0) < 0 else AgentMissing
        raise fault(
            f"the child ended with exit code {child.returncode} on {flag}:"
            f" {err.decode(errors='replace').strip()[-500:]}"
        )
    return out.decode(errors="replace")
