"""The image: what it runs, as whom, and what never gets into it."""

import ast
import re

import pytest

from tests.architecture.source import ROOT
from tests.deployment.dockerfile import Instruction, assignments, stages

STAGES = stages((ROOT / "Dockerfile").read_text())
BUILD, FINAL = STAGES
ENV = assignments(FINAL, "ENV")


def _all(stage: list[Instruction], word: str) -> list[str]:
    return [instruction.rest for instruction in stage if instruction.word == word]


def _only(word: str) -> Instruction:
    (instruction,) = (found for found in FINAL if found.word == word)
    return instruction


def test_both_stages_stand_on_the_same_slim_glibc_base() -> None:
    """A virtual environment works only beside the Python it was made with, and musl has no SDK."""
    bases = {instruction.rest.split()[0] for stage in STAGES for instruction in stage[:1]}
    (base,) = bases
    assert re.fullmatch(r"python:3\.1[123]-slim-bookworm", base)


def test_dependencies_are_installed_by_hash_and_before_our_code() -> None:
    """Nothing unknown is installed, and a change of ours leaves that layer as it is."""
    steps = [f"{instruction.word} {instruction.rest}" for instruction in BUILD]
    install = next(at for at, step in enumerate(steps) if "--require-hashes" in step)
    assert "-r /src/constraints.txt" in steps[install]
    assert "--only-binary :all:" in steps[install]
    assert install < steps.index("COPY bot /src/bot")
    assert any(step.startswith("RUN pip") and "--no-deps /src" in step for step in steps)


def test_bytecode_is_compiled_in_the_image() -> None:
    """A read-only container could not keep it, and every start would compile again."""
    assert any("compileall" in step for step in _all(BUILD, "RUN"))


def test_only_the_environment_is_taken_from_the_build() -> None:
    """No source, no pip and no compiler reach the final image."""
    assert _all(FINAL, "COPY") == ["--from=build /opt/hearth /opt/hearth"]
    assert "--without-pip" in _all(BUILD, "RUN")[0]


def test_the_server_is_no_root_and_has_a_fixed_number() -> None:
    """Volumes and orchestrators know users by number."""
    assert _only("USER").rest == "10001:10001"
    assert any("useradd --uid 10001" in step for step in _all(FINAL, "RUN"))
    order = [instruction.word for instruction in FINAL]
    assert "RUN" not in order[order.index("USER") :]


def test_tini_is_first_and_keeps_the_signal_for_the_server() -> None:
    """PID 1 reaps orphans; `-g` would end the agent's children while the server drains."""
    assert _only("ENTRYPOINT").words == ["tini", "--", "hearth"]
    assert _only("CMD").words == ["serve"]
    assert _only("STOPSIGNAL").rest == "SIGTERM"


def test_the_programs_it_needs_are_checked_while_it_is_built() -> None:
    """The build installs tini and finds setpriv in the base, or fails."""
    (step,) = (step for step in _all(FINAL, "RUN") if "apt-get" in step)
    assert "install -y --no-install-recommends tini" in step
    assert step.endswith("command -v tini setpriv")
    assert "rm -rf /var/lib/apt/lists/*" in step


def test_the_state_is_a_volume_that_belongs_to_the_server() -> None:
    """A new named volume takes owner and mode from the image's folder."""
    assert _only("VOLUME").rest == ENV["HEARTH_SESSION_CACHE"] == "/app/session_cache"
    folders = "-o hearth -g hearth -m 0700 /app/session_cache"
    assert any(folders in step for step in _all(FINAL, "RUN"))


def test_bot_files_have_a_place_that_is_not_the_servers() -> None:
    """The folder to mount over exists and belongs to root."""
    assert ENV["HEARTH_BOTS_DIR"] == "/app/bots.d"
    assert any("install -d -m 0755 /app/bots.d" in step for step in _all(FINAL, "RUN"))


def test_the_server_listens_where_the_container_is_reached() -> None:
    """Loopback is the default elsewhere, and useless in here."""
    assert ENV["HEARTH_HOST"] == "0.0.0.0"  # noqa: S104 - the container's own network
    assert _only("EXPOSE").rest == ENV["HEARTH_PORT"]
    assert ENV["PYTHONUNBUFFERED"] == "1"


def test_health_is_asked_with_what_the_image_has() -> None:
    """No curl in a slim image: Python asks, without a shell, the proxy or our packages."""
    options, _, command = _only("HEALTHCHECK").rest.partition(" CMD ")
    program, isolated, flag, code = Instruction(word="CMD", rest=command).words
    assert (program, isolated, flag) == ("python", "-I", "-c")
    assert ast.parse(code)
    assert "/health'" in code
    assert "ProxyHandler({})" in code
    assert {"--interval=30s", "--timeout=5s", "--retries=3"} <= set(options.split())


def test_no_secret_can_be_in_a_layer() -> None:
    """No build argument, and no variable that sounds like a key."""
    assert not any(_all(stage, "ARG") for stage in STAGES)
    assert not [name for name in ENV if re.search("KEY|TOKEN|SECRET|PASSWORD", name)]


def test_the_image_says_what_it_is() -> None:
    """Title and licence are where registries look for them."""
    labels = assignments(FINAL, "LABEL")
    assert labels["org.opencontainers.image.title"] == "Hearth"
    assert labels["org.opencontainers.image.licenses"] == "MIT"


def test_the_build_sees_only_what_it_copies() -> None:
    """Everything is ignored but what the build names: no bot file, state or history can slip in."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    named = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {name for step in _all(BUILD, "COPY") for name in step.split()[:-1]}
    assert named == copied


@pytest.mark.parametrize("name", ["pyproject.toml", "README.md", "constraints.txt", "bot"])
def test_what_the_build_copies_is_there(name: str) -> None:
    """A file that is renamed is renamed in the Dockerfile too."""
    assert (ROOT / name).exists()
