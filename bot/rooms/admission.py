"""Whether a message may wait for a turn; what may not is refused, and its author told so.

It is accepted all the same, and its lane says why: so the decision is in the commit that accepts
it, and outlives a crash.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Protocol

from bot.config.bot import Bot, TurnRules
from bot.journal.stops import COMMANDS
from bot.journal.views import Crowd
from bot.records import Acceptance, Message
from bot.rooms.answering import session_key
from bot.rooms.lane import Refused, refusal_lane


class Inbox(Protocol):
    """Where messages are made durable."""

    def accept(self, message: Message, *, lane: str) -> asyncio.Future[Acceptance]:
        """Take a message; the future is done when it is on disk."""
        ...

    def on_new(self, tell: Callable[[str], None]) -> None:
        """Call *tell* with the lane of each message that is new and on disk."""
        ...


class Reception(Protocol):
    """The journal, where it counts what waits."""

    def accept_by(
        self, message: Message, lane: str, *, user: str | None, choose: Callable[[Crowd], str]
    ) -> asyncio.Future[Acceptance]:
        """Take a message into the lane that *choose* names when it sees what waits in *lane*."""
        ...


class Admission:
    """An inbox that lets only so many wait.

    Most messages find a lane in which hardly anything can be waiting, by what has come since it
    was empty; only for the others the journal counts.
    """

    def __init__(
        self, inbox: Inbox, reception: Reception, bots: Callable[[str], Bot | None]
    ) -> None:
        self._inbox = inbox
        self._reception = reception
        self._bots = bots
        #: By lane: what has come since nothing was open there.
        self._come: Counter[str] = Counter()

    def on_new(self, tell: Callable[[str], None]) -> None:
        """Call *tell* with the lane of each message that is new and on disk."""
        self._inbox.on_new(tell)

    def lane_ended(self, lane: str) -> None:
        """Take note that nothing is open in *lane* any more."""
        self._come.pop(lane, None)

    def accept(self, message: Message, *, lane: str) -> asyncio.Future[Acceptance]:
        """Take a message, to be answered or to be refused."""
        bot = self._bots(message.bot)
        if bot is None or lane.startswith(COMMANDS) or self._roomy(bot.turn, lane):
            return self._inbox.accept(message, lane=lane)
        choose = partial(_lane, bot.turn, message, lane)
        user = session_key(bot, message).user
        return self._reception.accept_by(message, lane, user=user, choose=choose)

    def _roomy(self, rules: TurnRules, lane: str) -> bool:
        """Tell whether nothing can be over a bound, without asking the journal."""
        self._come[lane] += 1
        bound = min(rules.max_waiting, rules.max_waiting_each)
        return rules.when_busy != "reject" and self._come[lane] <= bound


def why_refuse(rules: TurnRules, crowd: Crowd) -> Refused | None:
    """Decide about a message that comes when so much is open; None: it may wait."""
    if rules.when_busy == "reject" and crowd.session:
        return Refused.BUSY
    if crowd.each >= rules.max_waiting_each:
        return Refused.EACH
    return Refused.ROOM if crowd.waiting >= rules.max_waiting else None


def _lane(rules: TurnRules, message: Message, lane: str, crowd: Crowd) -> str:
    why = why_refuse(rules, crowd)
    return lane if why is None else refusal_lane(lane, message, why)
