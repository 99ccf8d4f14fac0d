"""What a command is answered: from the journal and the sessions, without a model."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.config.bot import Bot
from bot.journal.journal import Journal
from bot.journal.orders import Stop
from bot.language.catalogue import phrases_of
from bot.language.phrases import Phrases
from bot.records import Entry, Outcome, PartKind, SessionKey
from bot.rooms.command_sentences import explained, plain
from bot.rooms.commands import Command, may_use, order_of
from bot.rooms.renewals import Renewals
from bot.sessions.sessions import Sessions
from bot.sessions.statistics import Warmth


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What a command is answered. It is no part of what the agent is told, nor of any recap."""

    markdown: str
    kind: PartKind
    verdict: Outcome


class Telling:
    """Answers commands. What they do was done when they were accepted."""

    def __init__(
        self,
        journal: Journal,
        sessions: Sessions,
        renewals: Renewals,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._journal = journal
        self._sessions = sessions
        self._renewals = renewals
        self._now = now

    async def answer(self, entry: Entry, command: Command, bot: Bot, key: SessionKey) -> Told:
        """Return what to say to *command*, about the session of *key*."""
        if not may_use(bot, command, entry.message.author.id):
            refusal = phrases_of(bot.language).not_allowed.format(command=command)
            return Told(markdown=refusal, kind=PartKind.REFUSAL, verdict=Outcome.TOLD)
        markdown = await self._sentences(entry, command, bot, key)
        return Told(markdown=markdown, kind=PartKind.COMMAND, verdict=Outcome.ANSWERED)

    async def _sentences(self, entry: Entry, command: Command, bot: Bot, key: SessionKey) -> str:
        says = phrases_of(bot.language)
        match command:
            case Command.STOP:
                return await self._stopped(entry, says)
            case Command.NEW:
                return says.renewed if await self._renewals.look(key) else says.renewed_later
            case Command.STATUS:
                return f"{await self._busy(bot, key, says)} {self._session(bot, key, says)}"
            case Command.USAGE:
                return self._usage(bot, key, entry.message.author.id, says)
            case Command.HELP:
                return _help(bot, entry, says)

    async def _stopped(self, entry: Entry, says: Phrases) -> str:
        count = await self._journal.orders.stopped_by(entry.seq)
        if not count:
            return says.nothing_to_stop
        return says.stopped_one if count == 1 else says.stopped_many.format(count=count)

    async def _busy(self, bot: Bot, key: SessionKey, says: Phrases) -> str:
        situation = await self._journal.orders.situation(bot.platform, key)
        told = says.quiet
        if situation.since is not None:
            seconds = max(0, round(self._now() - situation.since.timestamp()))
            told = says.running.format(name=plain(situation.asker or ""), seconds=seconds)
        if not situation.waiting:
            return told
        one = situation.waiting == 1
        waiting = says.waiting_one if one else says.waiting_many.format(count=situation.waiting)
        return f"{told} {waiting}"

    def _session(self, bot: Bot, key: SessionKey, says: Phrases) -> str:
        session = self._sessions.session(bot, key)
        if session is None:
            return says.session_cold
        hot = session.state is Warmth.HOT
        return (says.session_hot if hot else says.session_warm).format(turns=session.turns)

    def _usage(self, bot: Bot, key: SessionKey, person: str, says: Phrases) -> str:
        """Tell what the session has cost; an operator hears of all the bot's sessions."""
        session = self._sessions.session(bot, key)
        turns, dollars = (session.turns, session.cost_usd) if session is not None else (0, 0.0)
        told = says.usage.format(turns=turns, dollars=_dollars(dollars))
        if person not in bot.commands.operators:
            return told
        spent = self._sessions.spent(bot.id)
        every = says.usage_all.format(
            sessions=spent.sessions, turns=spent.turns, dollars=_dollars(spent.cost_usd)
        )
        return f"{told} {every}"


def _help(bot: Bot, entry: Entry, says: Phrases) -> str:
    order = order_of(bot, Command.STOP, entry.message)
    all_of_it = isinstance(order, Stop) and order.author is None
    lines = [
        explained(command, says, all_of_it=all_of_it)
        for command in Command
        if may_use(bot, command, entry.message.author.id)
    ]
    return "\n".join([says.commands, "", *lines])


def _dollars(amount: float) -> str:
    return f"{amount:.4f}" if amount < 1 else f"{amount:.2f}"
