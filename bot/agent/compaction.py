"""How a session that has grown long is summed up, under its own id and in its own transcript.

The child does it, by a command that is ours alone: a child that serves a room takes no commands
(`options`), so one is started for this and ended right after. What the summary replaces stays in
the transcript, above a boundary from which a resume goes on.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: Never anything from a room: this is the one prompt that a child may take as a command.
COMPACT: Final = (
    "/compact This is a conversation in a chat room. Keep who said what, by name and id, what"
    " people asked to be remembered, what was decided and promised, and what is still open."
    " Leave out greetings, and how answers were worded."
)
_BOUNDARY: Final = b'"subtype":"compact_boundary"'


@dataclass(frozen=True, kw_only=True, slots=True)
class Compaction:
    """Resume a session to send `COMPACT`, and nothing else."""

    session_id: str


def cut_torn_summary(path: Path, boundary: str) -> None:
    """Cut the transcript before the entry *boundary*: what that hid is the memory again.

    Raises OSError.
    """
    with path.open("r+b") as file:
        at = 0
        for line in file:
            if _BOUNDARY in line and boundary.encode() in line:
                file.truncate(at)
                os.fsync(file.fileno())
                return
            at += len(line)
