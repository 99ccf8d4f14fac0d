"""A small reader of constraint files, and what the installed distributions say of their licence."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageMetadata
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Requirement:
    """One line of a constraints file, its continuation lines joined."""

    name: str
    #: What follows the name, without marker and hashes: ``==1.2.3``.
    version: str
    #: The condition it is for: ``sys_platform != "win32"``; "" when there is none.
    marker: str
    hashes: tuple[str, ...]


def requirements(file: Path) -> dict[str, Requirement]:
    """Return what *file* asks for, by name."""
    return {found.name: found for found in _read(file)}


def _read(file: Path) -> Iterator[Requirement]:
    for line in re.sub(r"\\\n", " ", file.read_text()).splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            asked, *hashes = line.split("--hash=")
            named, _, marker = asked.partition(";")
            name, version = re.fullmatch(r"([\w.-]*)(.*)", named.strip()).groups()  # type: ignore[union-attr] # matches all
            yield Requirement(
                name=name,
                version=version,
                marker=marker.strip(),
                hashes=tuple(found.strip() for found in hashes),
            )


def licences(metadata: PackageMetadata) -> set[str]:
    """Return every licence that *metadata* names, from the most exact place that names one."""
    expression = metadata.get("License-Expression")
    if expression:
        return set(re.split(r" (?:AND|OR) ", expression.strip("()")))
    classifiers = metadata.get_all("Classifier") or []
    approved = "License :: OSI Approved :: "
    named = {one.removeprefix(approved) for one in classifiers if one.startswith(approved)}
    return named or {(metadata.get("License") or "unknown").strip()}
