"""The server's own memory, its children not counted.

To reach: under 150 MiB with no room, under 10 KiB for each idle room that is known.
"""

import tempfile
from datetime import timedelta
from pathlib import Path

import uvloop

from tests.benchmarks.files import _FILES, write_session_files
from tests.benchmarks.stage import open_stage

_LIMIT_MIB = 150
_LIMIT_KIB = 10


async def main() -> None:
    """Look at a server that knows no room, and at one that knows ten thousand."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_stage(Path(folder)) as stage:
            async with stage.serving() as served:
                none = served.memory_bytes()
            write_session_files(Path(folder) / "session_cache", age=timedelta())
            async with stage.serving() as served:
                many = served.memory_bytes()
    each = (many - none) / _FILES / 1024
    print(
        f"no room: {none / 2**20:.0f} MiB, of the limit of {_LIMIT_MIB} MiB:"
        f" {none / 2**20 / _LIMIT_MIB:.2f}\n"
        f"each idle room: {each:.1f} KiB, of the limit of {_LIMIT_KIB} KiB:"
        f" {each / _LIMIT_KIB:.2f}"
    )


if __name__ == "__main__":
    uvloop.run(main())
