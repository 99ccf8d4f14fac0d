"""When session files are written: before a first prompt leaves, else when nobody waits for it."""

import asyncio
from contextlib import suppress

import structlog

from bot.records import SessionKey
from bot.sessions.files import SessionFile, SessionFiles

#: How long a state waits for the next: a turn's cost is known a moment after its answer, and
#: nothing is to be written while that answer is on its way into the room.
REST_S = 0.1

log = structlog.get_logger(__name__)


class Saving:
    """Writes session files one at a time, the newest state of each.

    `run` belongs into a task group; it ends with `close`, when everything is written.
    """

    def __init__(self, files: SessionFiles, *, rest_s: float = REST_S) -> None:
        self._files = files
        self._rest_s = rest_s
        #: The newest state of what is not on disk yet, by age.
        self._waiting: dict[SessionKey, SessionFile] = {}
        self._writing = asyncio.Lock()
        self._work = asyncio.Event()
        self._closing = asyncio.Event()

    async def now(self, file: SessionFile) -> None:
        """Write *file*; it, or a newer state, is on disk when this returns. Raises OSError."""
        self._waiting[file.key] = file
        await self._write(file.key)

    def soon(self, file: SessionFile) -> None:
        """Write *file* when there is time: all that a crash can lose is when it was last used."""
        self._waiting[file.key] = file
        self._work.set()

    async def remove(self, key: SessionKey) -> None:
        """Delete the file of *key*, and forget what was to be written. Raises OSError."""
        self._waiting.pop(key, None)
        async with self._writing:
            await self._files.delete(key)

    async def run(self) -> None:
        """Write what `soon` was given, until closed."""
        last = False
        while not last:
            await self._work.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), self._rest_s)
            self._work.clear()
            last = self._closing.is_set()  # one more round over all that was given before
            await self._write_all()

    def close(self) -> None:
        """Let `run` end once everything is written. Nothing may be given to `soon` after it."""
        self._closing.set()
        self._work.set()

    async def _write_all(self) -> None:
        for key in tuple(self._waiting):
            try:
                await self._write(key)
            except OSError as error:
                # The disk is full, say: the next write, of any session, tries this one again.
                log.warning("session_file_unwritten", room=key.room, bot=key.bot, why=str(error))

    async def _write(self, key: SessionKey) -> None:
        async with self._writing:
            file = self._waiting.get(key)
            if file is None:
                return  # written by another, or removed
            await self._files.write(file)
            if self._waiting.get(key) is file:
                del self._waiting[key]
