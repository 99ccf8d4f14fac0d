"""Set up and run everything that is tested: ``python3 -m tests``, on a machine with Python only.

    python3 -m tests                      format, lint, types, all tests
    python3 -m tests tests/journal -q     pytest alone, with these arguments
    python3 -m tests --benchmarks         the benchmarks, with the arguments that follow

It makes `.venv` from `tests/constraints.txt` when that is missing or has changed, and needs the
standard library alone until then.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
CONSTRAINTS = ROOT / "tests" / "constraints.txt"
PROJECT = ROOT / "pyproject.toml"
OLDEST = (3, 11)

#: What every run without arguments does, in this order, each whether or not the last one failed.
CHECKS = (
    ("ruff", "format", "--check"),
    ("ruff", "check"),
    ("mypy",),
    ("pytest",),
)
#: Programs that pip cannot install, and what is skipped without them.
PROGRAMS = {
    "ruby": "the tests that let Ruby's own Net::HTTP speak to us, as Campfire does",
    "chromium": "the tests that look at the pages in a browser",
}


def main(arguments: list[str]) -> int:
    """Set up, run what *arguments* ask for, and return the exit status."""
    if sys.version_info < OLDEST:
        return _refuse(f"Hearth needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    try:
        _set_up()
    except subprocess.CalledProcessError as error:
        return _refuse(f"The set-up failed at: {' '.join(map(str, error.cmd))}")
    if arguments[:1] == ["--benchmarks"]:
        return _run(("python", "-m", "tests.benchmarks", *arguments[1:]))
    if arguments:
        return _run(("pytest", *arguments))
    return _run_all()


def _refuse(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


def _set_up() -> None:
    """Make `.venv` hold what the constraints say and the project itself; quick when it does."""
    if not _holds(CONSTRAINTS):
        _announce("Setting up .venv (once; about 250 MB to fetch)")
        _make_venv()
        _pip("--require-hashes", "-r", CONSTRAINTS)
        _stamp(CONSTRAINTS)
    if not _holds(PROJECT):
        # The constraints hold the build backend too, so that nothing comes without its hash.
        _pip("--no-build-isolation", "--no-deps", "-e", ROOT)
        _stamp(PROJECT)


def _make_venv() -> None:
    try:
        venv.create(VENV, clear=True, with_pip=True, symlinks=True)
    except subprocess.CalledProcessError:
        print("Python's venv lacks pip; on Debian: apt-get install python3-venv", file=sys.stderr)
        raise


def _pip(*arguments: str | Path) -> None:
    command = [BIN / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*command, *arguments], cwd=ROOT, env=_environment(), check=True)


def _fingerprint(file: Path) -> str:
    return hashlib.sha256(sys.version.encode() + file.read_bytes()).hexdigest()


def _stamp_of(file: Path) -> Path:
    return VENV / f"{file.stem}.sha256"


def _stamp(file: Path) -> None:
    """Note that `.venv` now follows *file*. A set-up that is broken off leaves no stamp."""
    _stamp_of(file).write_text(_fingerprint(file))


def _holds(file: Path) -> bool:
    stamp = _stamp_of(file)
    return stamp.exists() and stamp.read_text() == _fingerprint(file)


def _environment() -> dict[str, str]:
    """Return this environment for the programs we start, without what must not reach a test."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ANTHROPIC_", "CLAUDE", "PYTHONPATH", "PYTHONHOME"))
    }
    return kept | {"VIRTUAL_ENV": str(VENV), "PATH": f"{BIN}{os.pathsep}{kept.get('PATH', '')}"}


def _run(command: tuple[str, ...]) -> int:
    program, *arguments = command
    return subprocess.run(
        [BIN / program, *arguments], cwd=ROOT, env=_environment(), check=False
    ).returncode


def _run_all() -> int:
    missing = _missing_programs()
    outcomes = [_run_check(command) for command in CHECKS]
    _announce("Summary")
    print(*(line for line, _ in outcomes), *missing, sep="\n")
    return int(any(failed for _, failed in outcomes))


def _run_check(command: tuple[str, ...]) -> tuple[str, bool]:
    """Run *command* under its heading; return a line for the summary, and whether it failed."""
    name = " ".join(command)
    _announce(name)
    start = time.monotonic()
    failed = _run(command) != 0
    verdict = "FAILED" if failed else "passed"
    return f"{verdict}  {name} ({time.monotonic() - start:.1f} s)", failed


def _missing_programs() -> list[str]:
    lines = [
        f"{program} is not installed: skipped are {what} (Debian: apt-get install {program})"
        for program, what in PROGRAMS.items()
        if not shutil.which(program)
    ]
    print(*lines, sep="\n", end="\n" if lines else "", flush=True)
    return lines


def _announce(heading: str) -> None:
    print(f"\n=== {heading} ===", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
