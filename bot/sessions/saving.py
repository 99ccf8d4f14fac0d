"""When session files are written: before a first prompt leaves, else when nobody waits for it."""

import asyncio

from bot.records import SessionKey
from bot.sessions.files import SessionFile, SessionFiles


class Saving:
    """Writes session files one at a time, the newest state of each.

    `run` belongs into a task group; it ends with `close`, when everything is written.
    """

    def __init__(self, files: SessionFiles) -> None:
        self._files = files
        self._later: dict[SessionKey, SessionFile] = {}
        self._writing = asyncio.Lock()
        self._work = asyncio.Event()
        self._closing = False

    async def now(self, file: SessionFile) -> None:
        """Write *file*; it is on disk when this returns."""
        self._later.pop(file.key, None)
        async with self._writing:
            await self._files.write(file)

    def soon(self, file: SessionFile) -> None:
        """Write *file* when there is time: all that a crash can lose is when it was last used."""
        self._later[file.key] = file
        self._work.set()

    async def remove(self, key: SessionKey) -> None:
        """Delete the file of *key*, and forget what was to be written."""
        self._later.pop(key, None)
        async with self._writing:
            await self._files.delete(key)

    async def run(self) -> None:
        """Write what `soon` was given, until closed."""
        while not (self._closing and not self._later):
            await self._work.wait()
            await self._write_all()
            if not self._closing:
                self._work.clear()

    def close(self) -> None:
        """Let `run` end once everything is written."""
        self._closing = True
        self._work.set()

    async def _write_all(self) -> None:
        while self._later:
            async with self._writing:
                if self._later:  # a removal may have been waiting for the lock too
                    _, file = self._later.popitem()
                    await self._files.write(file)
