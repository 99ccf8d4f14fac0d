"""Children that outlived a killed server: they would go on writing into our transcripts.

The kernel ends a child with its server where `setpriv` is there to ask for it; these come from a
machine without. Their leftovers in the system's temporary folder stay: other programs use the same
names there.
"""

import os
import select
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from bot.agent.child import children, kill
from bot.agent.folders import AgentFolders

log = structlog.get_logger(__name__)

_FOLDER: Final = b"CLAUDE_CONFIG_DIR="
#: What the SDK's children have in their environment, and a person's shell has not.
_OF_THE_SDK: Final = b"CLAUDE_CODE_ENTRYPOINT=sdk-py"
_PROC: Final = Path("/proc")
#: How long a killed process may take to be gone.
_PATIENCE_S: Final = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Orphans:
    """What was found at a start."""

    #: Processes that were ended, and are gone.
    ended: int
    #: Processes that are still there; their sessions may fork.
    left: int


def end_orphans(folders: AgentFolders, *, patience_s: float = _PATIENCE_S) -> Orphans:
    """End every process that works in our config folders, and wait until it is gone. Blocks.

    Only for the holder of the journal's lock, before its first child: no other server can have
    children there. Where /proc is missing, nothing is found.
    """
    with ExitStack() as stack:
        found = dict(_orphans(folders, stack))
        for pid in found.values():
            with suppress(PermissionError):  # another user's, whom only its own server may end
                kill(pid)
        left = len(found) - _gone(frozenset(found), patience_s)
    if left == 0:
        _forget_running(folders)
    orphans = Orphans(ended=len(found) - left, left=left)
    if found:
        log.warning("orphans_ended", ended=orphans.ended, left=orphans.left)
    return orphans


def _orphans(folders: AgentFolders, stack: ExitStack) -> Iterator[tuple[int, int]]:
    """Yield each orphan as a handle, which *stack* closes, and its id."""
    own = _own()
    for entry in _PROC.glob("[0-9]*"):
        pid = int(entry.name)
        if pid in own:
            continue
        # Reading and killing what is gone, or another's, fails; a handle cannot change its owner.
        with suppress(OSError), ExitStack() as opened:
            handle = os.pidfd_open(pid)
            opened.callback(os.close, handle)
            if _is_ours(entry, folders):
                stack.push(opened.pop_all())
                yield handle, pid


def _is_ours(entry: Path, folders: AgentFolders) -> bool:
    """Whether a process was started for one of our config folders, which is no other's."""
    environment = (entry / "environ").read_bytes().split(b"\0")
    if _OF_THE_SDK not in environment or not _same_mounts(entry):
        return False
    named = (os.fsdecode(e.removeprefix(_FOLDER)) for e in environment if e.startswith(_FOLDER))
    ours = folders.config("any").parent
    return any(Path(name).is_absolute() and Path(name).parent == ours for name in named)


def _same_mounts(entry: Path) -> bool:
    """Whether a path means the same to a process as to us; in another container it may not."""
    return (entry / "ns/mnt").readlink() == (_PROC / "self/ns/mnt").readlink()


def _own() -> frozenset[int]:
    """Return our own id and those of all that we have started."""
    found, new = {os.getpid()}, {os.getpid()}
    while new:
        new = {child for pid in new for child in children(pid)} - found
        found |= new
    return frozenset(found)


def _gone(handles: frozenset[int], patience_s: float) -> int:
    """Wait until the processes have ended, and return how many have."""
    waiting = set(handles)
    until = time.monotonic() + patience_s
    while waiting and (left_s := until - time.monotonic()) > 0:
        ended, _, _ = select.select(waiting, [], [], left_s)
        waiting.difference_update(ended)
    return len(handles) - len(waiting)


def _forget_running(folders: AgentFolders) -> None:
    """Remove what killed children have noted as running: their ids may be others' by now."""
    for note in folders.config("any").parent.glob("*/sessions/*.json"):
        if note.stem.isdecimal() and not note.is_symlink():
            with suppress(OSError):
                note.unlink()
