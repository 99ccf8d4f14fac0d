"""Where messages wait for their commit: those that come while one is under way share the next."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from bot.errors import BotError, JournalError
from bot.journal import crowd, inbox
from bot.journal.familiar import Familiar
from bot.journal.writer import Writer
from bot.records import Acceptance, Message

#: Most messages in a statement: bounds how long the first of them waits for the last.
MOST: Final = 256

_Answer = asyncio.Future[Acceptance]
_Group = list[tuple[inbox.Arrival, _Answer]]
_Landing = asyncio.Future[list[Acceptance]]


#: From so many waiting on, more are worth waiting for, for so long at most.
_MANY: Final = 4
_GATHER_S: Final = 0.005
#: Turns of the loop without a message after which none is waited for.
_QUIET: Final = 2


class Reception:
    """Accepts messages in groups, from the loop that made it.

    A commit costs as much as dozens of rows, and each time the writer's thread wants the
    interpreter it has to wait for a busy loop. So one group is under way at a time, and in a rush
    the next one gathers for a moment; somebody who is alone never waits for others.
    """

    def __init__(self, writer: Writer, *, node: str, now: Callable[[], float]) -> None:
        self._writer = writer
        self._node = node
        self._now = now
        self._loop = asyncio.get_running_loop()
        self._familiar = Familiar()
        self._group: _Group = []
        #: Groups that are with the writer.
        self._under_way = 0
        self._announce: Callable[[str, Message], None] = lambda _lane, _message: None
        self._tell: Callable[[str], None] = lambda _lane: None

    def on_coming(self, announce: Callable[[str, Message], None]) -> None:
        """Call *announce* with a lane and the first message that is on its way to the disk for it.

        What is read, or written, then is so behind it, and known when its commit is.
        """
        self._announce = announce

    def on_new(self, tell: Callable[[str], None]) -> None:
        """Call *tell* with the lane of what is new, once it is on disk."""
        self._tell = tell

    def accept(self, message: Message, lane: str) -> _Answer:
        """Promise what becomes of *message*; it lands even when nobody waits any more."""
        answer: _Answer = self._loop.create_future()
        if not self._group and not self._under_way:
            # After what else this turn of the loop brings.
            self._loop.call_soon(self.hand_over)
        self._group.append(((message, lane), answer))
        if len(self._group) == MOST:
            self.hand_over()
        return answer

    def accept_by(
        self, message: Message, lane: str, *, user: str | None, choose: crowd.Choice
    ) -> _Answer:
        """Like `accept`, into the lane that *choose* names when it sees what waits in *lane*.

        In a commit of its own, after all that came before. *user* is whose session it is, if not
        the room's.
        """
        self.hand_over()
        answer: _Answer = self._loop.create_future()
        accept = partial(crowd.accept, message=message, lane=lane, user=user, choose=choose)
        landing = self._writer.write(partial(accept, node=self._node, at=self._now()))
        landing.add_done_callback(partial(self._chosen, message, answer))
        return answer

    def _chosen(
        self, message: Message, answer: _Answer, landing: asyncio.Future[tuple[Acceptance, str]]
    ) -> None:
        error = landing.exception()
        if error is None:
            acceptance, lane = landing.result()
            self._answer([((message, lane), answer)], [acceptance])
        else:
            self._fail([((message, ""), answer)], error)

    async def skip(self, message: Message, lane: str, reason: str) -> Acceptance:
        """Record a message that gets no answer."""
        arrival, at = (message, lane), self._now()
        land = self._writer.erase if message.off_record else self._writer.write
        return await land(
            partial(inbox.skip, arrival=arrival, reason=reason, node=self._node, at=at)
        )

    def hand_over(self) -> None:
        """Give the writer what has come so far."""
        group, self._group = self._group, []
        if group:
            self._submit(group)

    def _submit(self, group: _Group, *, again: bool = False) -> None:
        with self._writer.together():
            try:
                self._hand(group, again=again)
            except JournalError as error:
                self._fail(group, error)
                return
            first: dict[str, Message] = {}
            for (message, lane), _ in group:
                first.setdefault(lane, message)
            for lane, message in first.items():
                self._announce(lane, message)

    def _hand(self, group: _Group, *, again: bool) -> None:
        at = self._now()
        landing = self._write([arrival for arrival, _ in group], at)
        self._under_way += 1
        landing.add_done_callback(partial(self._landed, group, at, again))

    def _write(self, arrivals: list[inbox.Arrival], at: float) -> _Landing:
        if self._familiar.covers(arrivals, at=at):
            return self._writer.write_at_once(partial(inbox.insert, arrivals=arrivals, at=at))
        return self._writer.write(partial(inbox.accept, arrivals=arrivals, node=self._node, at=at))

    def _landed(self, group: _Group, at: float, again: bool, landing: _Landing) -> None:  # noqa: FBT001 - a callback's
        self._under_way -= 1
        self._go_on()
        error = landing.exception()
        if error is None:
            self._familiar.note([arrival for arrival, _ in group], at=at)
            self._answer(group, landing.result(), again=again)
        elif len(group) == 1:
            self._fail(group, error)
        else:
            for one in group:  # one that cannot be stored keeps nobody else out
                self._submit([one], again=True)

    def _go_on(self) -> None:
        """Hand over what came meanwhile; where that is much, with what comes right after it."""
        if len(self._group) >= _MANY:
            self._under_way += 1
            self._gather(0, 0, time.monotonic() + _GATHER_S)
        else:
            self.hand_over()

    def _gather(self, seen: int, quiet: int, until: float) -> None:
        """Hand over when the loop has nothing more to bring, but by then in any case.

        What one turn of it reads is accepted in the next, so a single quiet one says nothing.
        """
        quiet = 0 if len(self._group) > seen else quiet + 1
        if quiet < _QUIET and time.monotonic() < until:
            self._loop.call_soon(self._gather, len(self._group), quiet, until)
            return
        self._under_way -= 1
        self.hand_over()

    def _answer(self, group: _Group, acceptances: list[Acceptance], *, again: bool = False) -> None:
        """Tell everybody who still waits, and the lanes in any case.

        What was handed over *again* may have landed at the first time: nobody was told then.
        """
        news: dict[str, None] = {}
        for ((_, lane), answer), acceptance in zip(group, acceptances, strict=True):
            if again or acceptance is Acceptance.NEW:
                news[lane] = None
            if not answer.done():
                answer.set_result(acceptance)
        for lane in news:
            self._tell(lane)

    def _fail(self, group: _Group, error: BaseException) -> None:
        waiting = [answer for _, answer in group if not answer.done()]
        for answer in waiting:
            answer.set_exception(error)
        if not waiting and not isinstance(error, BotError):
            raise error  # a bug that nobody waits for: the loop reports it
