"""compose.yaml: how the container is run."""

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from tests.architecture.source import ROOT
from tests.deployment.dockerfile import assignments, stages

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
HEARTH: dict[str, Any] = COMPOSE["services"]["hearth"]
ENV = assignments(stages((ROOT / "Dockerfile").read_text())[-1], "ENV")
REQUIRED = ("ANTHROPIC_API_KEY", "HEARTH_CAMPFIRE_URL", "ADA_BOT_KEY")


def test_the_container_may_drain_longer_than_the_server_does() -> None:
    """Docker kills after its own period; ours must be over by then."""
    from bot.config.settings import Settings  # noqa: PLC0415 - the other tests here need no bot

    grace = Settings.model_fields["grace_s"].default
    period = HEARTH["stop_grace_period"]
    assert period.endswith("s")
    assert int(period.removesuffix("s")) >= grace + 10


def test_it_comes_back_by_itself() -> None:
    """A bug stops the process on purpose; the supervisor starts it again."""
    assert HEARTH["restart"] == "unless-stopped"
    assert HEARTH["build"] == "."


def test_only_this_machine_reaches_it() -> None:
    """What is published beyond is the operator's decision."""
    assert HEARTH["ports"] == [f"127.0.0.1:8000:{ENV['HEARTH_PORT']}"]


@pytest.mark.parametrize("name", REQUIRED)
def test_what_it_cannot_do_without_is_asked_for(name: str) -> None:
    """A missing variable stops `up` with a sentence, and no value stands in the file."""
    assert re.fullmatch(rf"\$\{{{name}:\?set it to [^}}]+\}}", HEARTH["environment"][name])


def test_no_value_of_a_secret_stands_in_the_file() -> None:
    """Every variable comes from the shell or from a .env file."""
    values = HEARTH["environment"].values()
    assert all(value is None or value.startswith("${") for value in values)


def test_state_is_kept_and_bot_files_are_only_read() -> None:
    """The state has a named volume; the server cannot write what configures it."""
    assert HEARTH["volumes"] == [
        f"session_cache:{ENV['HEARTH_SESSION_CACHE']}",
        f"./bots.d:{ENV['HEARTH_BOTS_DIR']}:ro",
    ]
    assert "session_cache" in COMPOSE["volumes"]


def test_there_is_one_tini() -> None:
    """The image brings it; Docker's own would make it a child of another."""
    assert HEARTH["init"] is False


def test_the_container_can_do_no_more_than_it_needs() -> None:
    """Read-only but for the state and /tmp, no capability, and none to be gained."""
    assert HEARTH["read_only"] is True
    assert HEARTH["cap_drop"] == ["ALL"]
    assert HEARTH["security_opt"] == ["no-new-privileges:true"]
    (tmpfs,) = HEARTH["tmpfs"]
    assert tmpfs.startswith("/tmp:")  # noqa: S108 - the container's


def test_memory_is_bounded() -> None:
    """The server counts its conversations against the container's limit."""
    assert re.fullmatch(r"\d+[gm]", HEARTH["mem_limit"])
    assert HEARTH["pids_limit"] > 0


def _has_compose() -> bool:
    docker = shutil.which("docker")
    return docker is not None and _ask(docker, "version").returncode == 0


def _ask(docker: str, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - a fixed command
        [docker, "compose", *words],
        cwd=ROOT,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **environ},
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.skipif(not _has_compose(), reason="needs docker with its compose plugin")
def test_docker_itself_reads_the_file() -> None:
    """Compose accepts every key, and refuses to go on without what is required."""
    docker = shutil.which("docker") or ""
    given = dict.fromkeys(REQUIRED, "http://example.test")
    assert _ask(docker, "config", "--quiet", **given).returncode == 0
    refused = _ask(docker, "config", "--quiet")
    assert refused.returncode != 0
    assert "set it to" in refused.stderr
