"""A place where a stand-in waits until a test lets it go on."""

import asyncio


class Gate:
    """Closed at first; counts who arrives."""

    def __init__(self) -> None:
        self._arrivals = asyncio.Condition()
        self._arrived = 0
        self._open = asyncio.Event()

    async def reached(self, times: int = 1, *, timeout_s: float = 10) -> None:
        """Wait until so many have arrived in all."""
        async with asyncio.timeout(timeout_s), self._arrivals:
            await self._arrivals.wait_for(lambda: self._arrived >= times)

    def release(self) -> None:
        """Let through whoever waits, and whoever comes later."""
        self._open.set()

    async def __call__(self) -> None:
        """Arrive, and wait."""
        async with self._arrivals:
            self._arrived += 1
            self._arrivals.notify_all()
        await self._open.wait()
