"""The constraints: what is installed, from nowhere in particular, and under which licences."""

import re
from importlib.metadata import PackageNotFoundError, metadata

import pytest

from tests.architecture.source import ROOT
from tests.deployment.constraints import Requirement, licences, requirements

FILES = ("constraints.txt", "tests/constraints.txt")
RUNTIME, TESTS = (requirements(ROOT / name) for name in FILES)

#: Licences that ask for no more than their notice; as SPDX and as classifiers write them.
PERMISSIVE = {
    "Apache-2.0",
    "Apache Software License",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSD License",
    "DFSG approved",
    "ISC",
    "ISC License (ISCL)",
    "MIT",
    "MIT-0",
    "MIT License",
    "PSF-2.0",
}
#: Distributions with another licence, and why it suits whoever hosts Hearth.
ODD = {
    "certifi": "MPL-2.0: a list of certificates, used as it comes; only changes must be shared",
    "hypothesis": "MPL-2.0: runs in tests only, used as it comes",
    "pathspec": "MPL-2.0: a tool of mypy and of the build, used as it comes",
}
#: Named MIT, but bound to terms of service: the one dependency nobody can replace. Its program
#: talks to a model that an operator has an account for, under the same terms; the wheel is fetched
#: by whoever installs, and is no part of what we publish.
BOUND_TO_TERMS = "claude-agent-sdk"


@pytest.mark.parametrize("name", FILES)
def test_no_index_is_named(name: str) -> None:
    """Where packages come from is set up in pip, on each machine; an address would be one's own."""
    text = (ROOT / name).read_text()
    assert "://" not in text
    options = {found for line in text.splitlines() for found in re.findall(r"^\s*(-\S+?)=", line)}
    assert options == {"--hash"}
    assert not re.search(r"^-", text, re.MULTILINE)


@pytest.mark.parametrize("asked", TESTS.values(), ids=lambda asked: asked.name)
def test_every_requirement_is_pinned_and_hashed(asked: Requirement) -> None:
    """One version, and at least a wheel's or an archive's SHA-256."""
    assert re.fullmatch(r"==[\w.+!]+", asked.version.strip())
    assert asked.hashes
    assert all(re.fullmatch("sha256:[0-9a-f]{64}", found) for found in asked.hashes)


def test_what_runs_is_what_was_tested() -> None:
    """Every requirement at run time stands in the tests' constraints, word for word."""
    assert RUNTIME.items() <= TESTS.items()


def test_the_sdk_is_pinned_for_every_platform_it_has() -> None:
    """The program is in the wheel: two files for Linux, two for macOS, one for Windows."""
    assert len(RUNTIME[BOUND_TO_TERMS].hashes) >= 5
    assert (
        f'"{BOUND_TO_TERMS}{RUNTIME[BOUND_TO_TERMS].version.strip()}"'
        in (ROOT / "pyproject.toml").read_text()
    )


@pytest.mark.parametrize("name", TESTS)
def test_every_licence_suits_self_hosting(name: str) -> None:
    """Permissive, or odd for a reason that is written down; nothing of ours must change hands."""
    try:
        found = licences(metadata(name))
    except PackageNotFoundError:
        assert name not in RUNTIME or RUNTIME[name].marker, f"{name} is not installed"
        pytest.skip(f"{name} is not installed here")
    assert found <= PERMISSIVE or name in ODD, f"{name}: {found}; permissive, or a reason in ODD"
    assert not (found <= PERMISSIVE and name in ODD), f"{name} is permissive: take it out of ODD"


def test_the_sdks_terms_are_what_the_table_says() -> None:
    """The SDK names commercial terms, and whoever builds an image is told."""
    told = metadata(BOUND_TO_TERMS)
    assert "Commercial Terms of Service" in str(told.get_payload() or told["Description"])  # type: ignore[attr-defined] # a Message
    assert "commercial terms" in (ROOT / "Dockerfile").read_text()
