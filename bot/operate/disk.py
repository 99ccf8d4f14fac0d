"""Room on the disk that holds everything."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

log = structlog.get_logger(__name__)

#: Below either of them the operator is warned.
LEAST_FREE_BYTES: Final = 500 * 2**20
LEAST_FREE_SHARE: Final = 0.05


class DiskSpace:
    """Watches the disk of the session cache, and warns when its state changes."""

    def __init__(
        self,
        folder: Path,
        *,
        note: Callable[[int], None],
        usage: Callable[[Path], tuple[int, int, int]] = shutil.disk_usage,
    ) -> None:
        self._folder = folder
        self._note = note
        self._usage = usage
        self._low = False

    async def run(self) -> None:
        """Look once. Raises OSError when the folder is gone."""
        total, _, free = await asyncio.to_thread(self._usage, self._folder)
        self._note(free)
        low = is_low(total, free)
        if low and not self._low:
            cure = "free some space: on a full disk deliveries are refused"
            log.warning("disk_low", free_bytes=free, total_bytes=total, cure=cure)
        elif self._low and not low:
            log.info("disk_recovered", free_bytes=free, total_bytes=total)
        self._low = low


def is_low(total_bytes: int, free_bytes: int) -> bool:
    """Whether a disk has so little room that an operator should know."""
    return free_bytes < LEAST_FREE_BYTES or free_bytes < total_bytes * LEAST_FREE_SHARE
