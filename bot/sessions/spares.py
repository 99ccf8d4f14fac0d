"""Booted conversations that serve no room yet: a new room's first turn finds one ready.

A spare owns its session id and its working directory from birth, and knows nothing of a room. It
takes memory that nobody else wants, boots when no other child does, and is the first to go.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

import structlog

from bot.agent.agent import Agent
from bot.agent.conversation import Conversation
from bot.agent.line import Ticket, Urgency
from bot.agent.start import Fresh
from bot.config.bot import Bot
from bot.errors import AgentError, NoPlace
from bot.sessions.conversations import Conversations
from bot.sessions.opening import new_session_id

log = structlog.get_logger(__name__)

#: As many as new rooms have at once now and then: a burst finds half of its rooms served by them.
_MOST_EACH: Final = 3
#: What all spares together may take of the places there are, beyond one for each bot.
_SHARE: Final = 8
_FIRST_S: Final = 1.0
_LONGEST_S: Final = 300.0


def fitting(places: int, bots: int) -> int:
    """Return how many spares each of so many bots should have, where so many children fit."""
    return max(1, min(_MOST_EACH, places // _SHARE // max(1, bots)))


def pause_s(failures: int) -> float:
    """Return how long no spare of a bot is started after so many have failed in a row."""
    return min(_LONGEST_S, _FIRST_S * 2.0 ** min(failures - 1, 10)) if failures else 0.0


class Spares:
    """The spares of all bots. `run` belongs into a task group, and is cancelled in the end."""

    def __init__(
        self,
        agent: Agent,
        bots: Callable[[], Mapping[str, Bot]],
        *,
        each: Callable[[], int],
        pause_s: Callable[[int], float] = pause_s,
    ) -> None:
        self._agent = agent
        self._bots = bots
        #: How many each bot should have.
        self._each = each
        self._stopped = False
        self._pause_s = pause_s
        self._loop = asyncio.get_running_loop()
        #: By bot; the oldest first, which is the first to be ready.
        self._pool: dict[str, list[Conversation]] = {}
        self._work = asyncio.Event()
        self._begun = asyncio.Event()
        self._begun.set()
        #: By bot, since one was of use.
        self._failures: Counter[str] = Counter()
        #: By bot, on the loop's clock.
        self._not_before: dict[str, float] = {}
        #: Those that have ended by themselves, and left their folders.
        self._gone: list[Conversation] = []

    def __len__(self) -> int:
        return sum(map(len, self._pool.values()))

    @property
    def ready(self) -> int:
        """How many have booted."""
        return sum(spare.usable for pool in self._pool.values() for spare in pool)

    @property
    def lacking(self) -> int:
        """How many there should be and are not."""
        wanted = 0 if self._stopped else self._each()
        return sum(max(0, wanted - len(self._of(bot))) for bot in self._bots().values())

    def refill(self) -> None:
        """Have the spares looked through when there is time, since something may have changed."""
        self._work.set()

    def hold(self) -> None:
        """Start none before `begin`: whom the last server owes an answer has its child first."""
        self._begun.clear()

    def begin(self) -> None:
        """Start what is lacking from now on."""
        self._begun.set()

    def claim(self, bot: Bot) -> Conversation | None:
        """Take a spare for good, preferably one that has booted."""
        found = [spare for spare in self._of(bot) if spare.bot.digest == bot.digest]
        fit = [spare for spare in found if spare.usable]
        booting = [spare for spare in found if spare.pid is None]
        spare = next(iter([*fit, *booting]), None)
        if spare is not None:
            self._of(bot).remove(spare)
            self._failures.pop(bot.id, None)
        return spare

    async def drop_one(self) -> bool:
        """Let a spare go, to make room; False when there is none."""
        pool = max(self._pool.values(), key=len, default=[])
        if not pool:
            return False
        await self._drop(pool.pop())
        return True

    def conversation_ended(self, conversation: Conversation) -> None:
        """Forget a spare whose child is gone; another takes its place after a while."""
        pool = self._of(conversation.bot)
        if conversation in pool:  # else it was let go on purpose
            pool.remove(conversation)
            self._gone.append(conversation)
            self._pause(conversation.bot, "it ended")

    def lane_ended(self, lane: str) -> None:
        """Care for no lane: a spare has none."""

    def stop(self) -> None:
        """Start no more of them."""
        self._stopped = True

    async def run(self, conversations: Conversations) -> None:
        """Keep the spares complete and up to date, for as long as the server runs."""
        await self._begun.wait()
        while not self._stopped:
            self._work.clear()
            await self._drop_stale()
            for bot in self._bots().values():
                await self._fill(bot, conversations)
            await self._work.wait()

    def leave(self) -> list[Conversation]:
        """Give up all spares; the caller closes them, and then has them forgotten."""
        left = [spare for pool in self._pool.values() for spare in pool]
        self._pool.clear()
        return left

    async def forget(self, spare: Conversation) -> None:
        """Remove what a spare has left on disk. Its child must be gone."""
        try:
            await self._agent.forget(spare.bot.id, spare.session_id)
        except OSError as error:
            log.warning("spare_unremovable", bot=spare.bot.id, why=str(error))

    def _of(self, bot: Bot) -> list[Conversation]:
        return self._pool.setdefault(bot.id, [])

    async def _drop_stale(self) -> None:
        """Let go the spares of bots that have changed, or are gone, and what the dead have left."""
        digests = {bot.digest for bot in self._bots().values()}
        for pool in tuple(self._pool.values()):
            for spare in [spare for spare in pool if spare.bot.digest not in digests]:
                pool.remove(spare)
                await self._drop(spare)
        while self._gone:
            await self.forget(self._gone.pop())

    async def _fill(self, bot: Bot, conversations: Conversations) -> None:
        """Start the spares that a bot lacks, one after the other."""
        while len(self._of(bot)) < self._each() and not (self._stopped or self._pausing(bot)):
            start = Fresh(session_id=new_session_id())
            try:
                spare = await conversations.start(bot, start, Ticket(Urgency.SPARE), self)
            except NoPlace:
                return  # the memory is in use; the next look may find some
            except AgentError as error:
                self._pause(bot, str(error))
                return
            self._of(bot).append(spare)
            with suppress(AgentError):  # whoever ends it, and whatever, is seen to there
                await spare.opened()

    def _pause(self, bot: Bot, why: str) -> None:
        self._failures[bot.id] += 1
        pause_s = self._pause_s(self._failures[bot.id])
        self._not_before[bot.id] = self._loop.time() + pause_s
        self._loop.call_later(pause_s, self.refill)
        log.warning("spare_failed", bot=bot.id, why=why, pause_s=pause_s)

    def _pausing(self, bot: Bot) -> bool:
        return self._loop.time() < self._not_before.get(bot.id, 0.0)

    async def _drop(self, spare: Conversation) -> None:
        await spare.close()
        await self.forget(spare)
