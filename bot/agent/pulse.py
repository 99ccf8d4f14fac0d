"""Signs of life of a child: whatever it says."""

import asyncio
from contextlib import suppress


class Pulse:
    """When the child was last heard. It is the loop's that made it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()

    def beat(self) -> None:
        """Take note of a sign of life."""
        self._last = self._loop.time()

    @property
    def quiet_s(self) -> float:
        """How long there was none."""
        return self._loop.time() - self._last

    async def until(self, event: asyncio.Event, *, silence_s: float) -> None:
        """Wait for *event* for as long as there are signs of life.

        Raises TimeoutError when there was none for *silence_s*.
        """
        while not await within(silence_s - self.quiet_s, event):
            if self.quiet_s >= silence_s:
                raise TimeoutError(f"the child said nothing for {silence_s:g} s")


async def within(seconds: float, event: asyncio.Event) -> bool:
    """Wait for *event*, so long at most."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
