"""`python3 -m tests` and `.ci/run`: one command for everything, that keeps keys to itself."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests import __main__ as runner
from tests.architecture.source import ROOT

CI = ROOT / ".ci" / "run"


def test_no_key_reaches_what_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the model's key nor another project's modules go along; what pip needs does."""
    for name in ("ANTHROPIC_API_KEY", "CLAUDECODE", "CLAUDE_CODE_OAUTH_TOKEN", "PYTHONPATH"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("PIP_CERT", "/etc/ssl/ca.pem")
    environment = runner._environment()
    assert "x" not in environment.values()
    assert environment["PIP_CERT"] == "/etc/ssl/ca.pem"
    assert environment["PATH"].split(os.pathsep)[0] == str(runner.BIN)


def test_an_older_python_is_told_plainly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence, no traceback, and nothing is set up."""
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    assert runner.main([]) == 1
    assert "Hearth needs Python 3.11 or newer" in capsys.readouterr().err


def test_the_environment_is_kept_until_its_constraints_change(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A stamp follows the file's content, and there is none before the set-up is complete."""
    monkeypatch.setattr(runner, "VENV", tmp_path)
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("a==1")
    assert not runner._holds(constraints)
    runner._stamp(constraints)
    assert runner._holds(constraints)
    constraints.write_text("a==2")
    assert not runner._holds(constraints)


def test_missing_programs_are_named_with_what_is_skipped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever has no browser learns which tests that costs, and how to get it."""
    monkeypatch.setenv("PATH", "")
    ruby, chromium = runner._missing_programs()
    assert ruby.endswith("(Debian: apt-get install ruby)")
    assert chromium.startswith("chromium is not installed: skipped are the tests")
    assert chromium in capsys.readouterr().out


def test_arguments_go_to_pytest_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of the tests is run without the linters, the benchmarks as their own program."""
    monkeypatch.setattr(runner, "_set_up", lambda: None)
    monkeypatch.setattr(runner, "_run", lambda command: command)
    assert runner.main(["tests/journal", "-q"]) == ("pytest", "tests/journal", "-q")
    assert runner.main(["--benchmarks", "x"]) == ("python", "-m", "tests.benchmarks", "x")


def test_one_failure_fails_the_run_and_hides_no_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every check runs, and the summary names each."""
    monkeypatch.setattr(runner, "_set_up", lambda: None)
    monkeypatch.setattr(runner, "_run", lambda command: int(command == ("mypy",)))
    assert runner.main([]) == 1
    summary = capsys.readouterr().out.partition("=== Summary ===")[2]
    assert summary.count("passed") == 3
    assert "FAILED  mypy" in summary


def test_continuous_integration_runs_the_same_command() -> None:
    """It installs what pip cannot and hands over, so that its result is everybody's."""
    script = CI.read_text()
    assert CI.stat().st_mode & stat.S_IXUSR
    assert script.startswith("#!/usr/bin/env bash\n")
    assert "\nset -eu\n" in script
    assert script.endswith("\nexec python3 -m tests\n")
    assert subprocess.run(["bash", "-n", str(CI)], check=False).returncode == 0  # noqa: S603, S607 - a fixed command
