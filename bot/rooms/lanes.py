"""One queue a room, one turn at a time; rooms never wait for each other.

A lane's worker lives as long as the lane has open messages. The journal holds the queue: the
worker asks it for the lane's head before each turn, so that memory and disk cannot disagree.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from bot.errors import JournalError
from bot.journal.journal import Journal
from bot.records import Entry, Message
from bot.rooms.report import TurnReport
from bot.rooms.turn import Turns

log = structlog.get_logger(__name__)

#: Between two tries to read a lane while the journal does not work.
_JOURNAL_RETRY_S = 1.0
#: How long a stop waits for a disk that hangs.
_EXCUSE_S = 1.0


def _unheard(_lane: str) -> None:
    """Take what nobody listens to."""


@dataclass(slots=True)
class _Lane:
    """A lane with a worker."""

    #: The worker's task; None until it was started.
    worker: asyncio.Task[None] | None = None
    #: A message came in since the worker last looked.
    woken: bool = True
    #: What is being answered; None between turns.
    entry: Entry | None = None
    #: A look that was taken before the worker began.
    early: "asyncio.Future[Entry | None] | None" = None


class Lanes:
    """The workers of all lanes with open messages."""

    def __init__(
        self,
        journal: Journal,
        turns: Turns,
        group: asyncio.TaskGroup,
        *,
        on_turn: Callable[[TurnReport], None],
        on_end: Callable[[str], None] = _unheard,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._journal = journal
        self._turns = turns
        self._group = group
        self._on_turn = on_turn
        self._on_end = on_end
        self._sleep = sleep
        self._lanes: dict[str, _Lane] = {}
        #: Whether no more turns are started.
        self.draining = False
        #: Turns that ended, by outcome.
        self.ended: Counter[str] = Counter()

    async def resume(self) -> int:
        """Take up what an earlier process left open. Returns the number of lanes."""
        lanes = await self._journal.open_lanes()
        for lane in lanes:
            self.enqueue(lane)
        return len(lanes)

    def enqueue(self, lane: str) -> None:
        """Have the open messages of *lane* answered. Call it after the message is accepted."""
        if self.draining:
            return  # it stays in the journal for the next start
        known = self._lanes.get(lane)
        if known is not None:
            known.woken = True
            self._turns.look(lane)
            return
        self._lanes[lane] = started = _Lane()
        started.worker = self._group.create_task(self._work(lane, started), name=f"lane {lane}")

    def expect(self, lane: str, message: Message) -> None:
        """Have a look at *lane* taken, right behind *message*, which is being recorded for it.

        It comes back with that commit, so that a turn need not begin with a look of its own; nor,
        when nothing stands in its way, with recording that it begins.
        """
        if self.draining or lane in self._lanes:
            return
        beginning = self._turns.foresee(message, lane)
        if beginning is None:
            look = self._journal.head(lane)
        else:
            look = self._journal.beginnings.head(lane, beginning)
        self._lanes[lane] = started = _Lane(woken=False, early=look)
        started.worker = self._group.create_task(self._work(lane, started), name=f"lane {lane}")

    @property
    def running(self) -> dict[str, Entry]:
        """What is being answered now, by lane."""
        return {name: lane.entry for name, lane in self._lanes.items() if lane.entry is not None}

    async def drain(self, grace_s: float) -> int:
        """Start no more turns, let the running ones finish. Returns how many had to be cut off."""
        self.draining = True
        self._turns.admit_no_more()
        await self._excuse()
        workers = [lane.worker for lane in self._lanes.values() if lane.worker is not None]
        if not workers:
            return 0
        log.info("draining", running=len(self.running), grace_s=grace_s)
        _, late = await asyncio.wait(workers, timeout=grace_s)
        cut = len(self.running)
        for worker in late:
            worker.cancel()
        return cut

    async def _excuse(self) -> None:
        """Record that turns which end with the server now have not brought it down."""
        try:
            async with asyncio.timeout(_EXCUSE_S):
                await self._journal.excuse_running()
        except (JournalError, TimeoutError) as error:
            log.error("journal_unavailable", why=str(error))  # noqa: TRY400 - the disk's

    async def _work(self, name: str, lane: _Lane) -> None:
        """Answer the lane's messages, one after the other, until there are no more."""
        while not self.draining:
            early, lane.early = lane.early, None
            if early is None:  # else it may have missed what has woken the lane since
                lane.woken = False
            head = await (self._head(name) if early is None else self._early(early))
            if head is not None:
                await self._turn(lane, head)
            elif not lane.woken:
                break
        # No await from the last look at `woken` to here: a message that came in before is seen,
        # one that comes in after starts a worker of its own.
        del self._lanes[name]
        self._on_end(name)

    async def _early(self, look: "asyncio.Future[Entry | None]") -> Entry | None:
        """Return what an early look has found; one that fails is only taken again if need be."""
        try:
            return await look
        except JournalError:
            return None

    async def _head(self, name: str) -> Entry | None:
        while True:
            try:
                return await self._journal.head(name)
            except JournalError as error:
                log.error("journal_unavailable", lane=name, why=str(error))  # noqa: TRY400 - the disk's
                await self._sleep(_JOURNAL_RETRY_S)

    async def _turn(self, lane: _Lane, entry: Entry) -> None:
        """Run one turn. A bug in it costs this message, not the room and not the server."""
        lane.entry = entry
        bugs: list[Exception] = []
        try:
            for step in (self._turns.run, self._turns.apologise, self._turns.bury):
                bug = await self._bug_in(step(entry, *bugs), entry)
                if bug is None:
                    return
                bugs.append(bug)
            raise bugs[-1]  # the journal's: it could not even be given up
        finally:
            lane.entry = None

    async def _bug_in(
        self, step: Coroutine[None, None, TurnReport | None], entry: Entry
    ) -> Exception | None:
        """Take a step of a turn; return the bug that ended it."""
        try:
            report = await step
            if report is not None:
                self._note(report)
        except JournalError as error:
            log.error("journal_unavailable", entry=entry.seq, why=str(error))  # noqa: TRY400 - the disk's
            await self._sleep(_JOURNAL_RETRY_S)
        except Exception as bug:  # the edge of a turn (invariant 11)
            log.exception("turn_broken", entry=entry.seq, bot=entry.message.bot)
            return bug
        return None

    def _note(self, report: TurnReport) -> None:
        self.ended[report.outcome] += 1
        log.info("turn", **report.fields())
        self._on_turn(report)


@asynccontextmanager
async def open_lanes(
    journal: Journal,
    turns: Turns,
    *,
    on_turn: Callable[[TurnReport], None],
    on_end: Callable[[str], None],
) -> AsyncIterator[Lanes]:
    """Open the lanes; what still runs at the end is cancelled, and stays open in the journal.

    *on_turn* is told of every turn that ended, *on_end* of every lane in which nothing is left.
    """
    async with asyncio.TaskGroup() as group:
        lanes = Lanes(journal, turns, group, on_turn=on_turn, on_end=on_end)
        yield lanes
        await lanes.drain(0)
