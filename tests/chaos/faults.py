"""Does what the plan says to the processes, the chat and the model."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable

from bot.testing.model import drop, fail, stall
from tests.chaos.plan import Blow, Failing, Plan, Strike, Trouble
from tests.chaos.server import Server
from tests.chaos.stage import GRACE_S, Stage

#: At most so long is waited for a process to strike.
_UP_S = 30.0
#: And so long for a child.
_CHILD_S = 10.0


class Blows:
    """Strikes the server and its children, one blow after the other."""

    def __init__(self, server: Server, plan: Plan) -> None:
        self._server = server
        self._plan = plan
        #: Those that met a process.
        self.struck: Counter[str] = Counter()

    async def run(self) -> None:
        """Strike at each moment of the plan, or as soon after it as there is something."""
        started = time.monotonic()
        for strike in self._plan.strikes:
            await asyncio.sleep(max(0.0, started + strike.at_s - time.monotonic()))
            async with asyncio.timeout(_UP_S):
                await self._server.up.wait()
            self._server.down_s, self._server.full_s = strike.down_s, strike.full_s
            if await self._strike(strike):
                self.struck[strike.blow] += 1
        self._server.down_s = 0.0

    async def _strike(self, strike: Strike) -> bool:
        match strike.blow:
            case Blow.KILL:
                await self._server.kill()
            case Blow.TERM:
                await self._terminate(strike)
            case Blow.PAUSE:
                await self._server.pause(strike.length_s)
            case Blow.CHILD_KILL:
                return await self._strike_child(strike, signal.SIGKILL) is not None
            case Blow.CHILD_PAUSE:
                return await self._pause_child(strike)
        return True

    async def _terminate(self, strike: Strike) -> None:
        await self._server.terminate()
        if strike.then_kill_s is None:
            await self._server.end(GRACE_S)
        else:
            await asyncio.sleep(strike.then_kill_s)
            await self._server.kill()

    async def _strike_child(self, strike: Strike, number: signal.Signals) -> int | None:
        """Wait until there is a child, and strike it; None if there was none in time."""
        deadline = time.monotonic() + _CHILD_S
        while (child := self._server.strike_child(strike.pick, number)) is None:
            if time.monotonic() > deadline:
                return None
            await asyncio.sleep(0.05)
        return child

    async def _pause_child(self, strike: Strike) -> bool:
        pid = await self._strike_child(strike, signal.SIGSTOP)
        if pid is None:
            return False
        await asyncio.sleep(strike.length_s)
        self._server.continue_child(pid)
        return True


class Failings:
    """Makes disk, chat and model fail, each for a while."""

    def __init__(self, stage: Stage, server: Server, plan: Plan) -> None:
        self._stage = stage
        self._server = server
        self._plan = plan
        #: Those that happened.
        self.met: Counter[str] = Counter()

    async def run(self) -> None:
        """Fail at each moment of the plan; everything works again when this returns."""
        started = time.monotonic()
        for failing in self._plan.failings:
            await asyncio.sleep(max(0.0, started + failing.at_s - time.monotonic()))
            self.met[failing.trouble] += 1
            await self._fail(failing)

    async def _fail(self, failing: Failing) -> None:
        match failing.trouble:
            case Trouble.MODEL_FAILS:
                self._stage.misbehave(fail(failing.status), times=failing.times)
            case Trouble.MODEL_DROPS:
                self._stage.misbehave(drop(), times=failing.times)
            case Trouble.MODEL_STALLS:
                self._stage.misbehave(stall(), times=failing.times)
            case Trouble.DISK_FULL:
                await self._fill_disk(failing)
            case _:
                await self._fail_chat(failing)

    async def _fail_chat(self, failing: Failing) -> None:
        campfire = self._stage.campfire
        match failing.trouble:
            case Trouble.POSTS_FAIL:
                headers = {"Retry-After": "1"} if failing.status == 429 else {}
                campfire.fail_posts(failing.status, failing.times, headers)
            case Trouble.POST_DROPPED:
                campfire.drop_after_accept()
            case Trouble.POST_DENIED:
                campfire.fail_posts(failing.status, stored=True)
            case Trouble.READS_FAIL:
                campfire.fail_reads(failing.status, failing.times)
            case Trouble.CHANGES_FAIL | Trouble.CHANGE_DENIED:
                done = failing.trouble is Trouble.CHANGE_DENIED
                campfire.fail_changes(failing.status, failing.times, done=done)
            case Trouble.CHAT_DOWN:
                await campfire.refuse_connections()
                await asyncio.sleep(failing.length_s)
                await campfire.accept_connections()
            case _:
                await self._slow_chat_down(failing)

    async def _slow_chat_down(self, failing: Failing) -> None:
        campfire = self._stage.campfire
        match failing.trouble:
            case Trouble.CHANGES_SLOW:
                await _slow_down(campfire.slow_changes, failing)
            case Trouble.POSTS_SLOW:
                await _slow_down(campfire.slow_posts, failing)
            case Trouble.READS_SLOW:
                await _slow_down(campfire.slow_reads, failing)

    async def _fill_disk(self, failing: Failing) -> None:
        async with asyncio.timeout(_UP_S):
            await self._server.serving()
        await self._server.fill_disk(failing.length_s)


async def _slow_down(slow: Callable[[float], None], failing: Failing) -> None:
    slow(failing.length_s / 4)
    await asyncio.sleep(failing.length_s)
    slow(0)
