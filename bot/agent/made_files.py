"""Files that the agent makes in its working directory, read so that none of its tricks works.

The folder belongs to whatever the child runs, so nothing in it is trusted: links are not followed,
only regular files with one name are read, by a descriptor of their folder, and all is bounded.
"""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from bot.records.file import File

MOST_FILES: Final = 5
MOST_BYTES: Final = 5 * 2**20
_MOST_BYTES_TOGETHER: Final = 10 * 2**20
#: Names that are looked at, at most.
_MOST_NAMES: Final = 2_000
#: By so much the clock of the files may be behind: the kernel moves it with its timer.
_CLOCK_STEP_S: Final = 0.02
#: No link, and no wait for somebody who writes into a pipe.
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NAME_CHARACTERS: Final = 100
#: What turns text around, hides, means something to a shell or to Markdown, or is replaced by
#: platforms too.
_UNFIT: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff"
    r"%$|:;/<>?*\"'`\\]+"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeFiles:
    """What a turn has left to be posted."""

    files: tuple[File, ...] = ()
    #: Names of those that are too many or too large.
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    name: str
    changed_at: float
    #: None when it is too large.
    content: bytes | None


def fit_name(name: str) -> str:
    """Return the last part of *name* as one that may be shown and stored anywhere."""
    plain = _UNFIT.sub("-", name.replace("\\", "/").rpartition("/")[2]).strip(" .")
    stem, dot, ending = plain.rpartition(".")
    if len(plain) > _NAME_CHARACTERS and dot and len(ending) < _NAME_CHARACTERS // 2:
        return f"{stem[: _NAME_CHARACTERS - len(ending) - 1]}.{ending}"
    return plain[:_NAME_CHARACTERS] or "file"


def put_file(folder: Path, file: File) -> None:
    """Write *file* into *folder*, in place of one of that name. Raises OSError."""
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(FileNotFoundError):
            os.unlink(file.name, dir_fd=at)  # a link goes, and not what it leads to
        with os.fdopen(os.open(file.name, _WRITE, 0o600, dir_fd=at), "wb") as fresh:
            fresh.write(file.content)
    finally:
        os.close(at)


def made_since(folder: Path, since: float) -> MadeFiles:
    """Read what was created or changed in *folder* since then (seconds since the epoch)."""
    files: list[File] = []
    left_out: list[str] = []
    room = _MOST_BYTES_TOGETHER
    for found in sorted(_changed(folder, since - _CLOCK_STEP_S), key=lambda one: one.changed_at):
        name = fit_name(found.name)
        if found.content is None or len(files) == MOST_FILES or len(found.content) > room:
            left_out.append(name)
        else:
            files.append(File(name=name, content=found.content))
            room -= len(found.content)
    return MadeFiles(files=tuple(files), left_out=tuple(left_out[:MOST_FILES]))


def _changed(folder: Path, since: float) -> Iterator[_Found]:
    for name, at in islice(_names(folder), _MOST_NAMES):
        found = _read(name, at, since)
        if found is not None:
            yield found


def _names(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield the names of files, each with the descriptor of its folder. Hidden ones are left."""
    if not folder.is_dir():
        return
    for _, folders, names, at in os.fwalk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield name, at


def _read(name: str, at: int, since: float) -> _Found | None:
    """Read a file if it is one, and new."""
    try:
        number = os.open(name, _READ, dir_fd=at)
    except OSError:
        return None
    with os.fdopen(number, "rb") as file:
        status = os.fstat(number)
        # A second name may be that of a file which the child may not even read.
        mine = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
        if not mine or status.st_mtime < since:
            return None
        content = file.read(MOST_BYTES + 1)
    small = len(content) <= MOST_BYTES
    return _Found(name=name, changed_at=status.st_mtime, content=content if small else None)
