"""One turn: from an open message to its settled answer."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Protocol

import structlog

from bot.config.bot import Bot
from bot.errors import AgentError
from bot.journal.journal import Journal
from bot.language.catalogue import phrases_of
from bot.records import Entry, Message, MessageKind, Outcome, Part, PartKind
from bot.records.prompts import Beginning
from bot.rooms.answering import Answering
from bot.rooms.commands import command_of
from bot.rooms.company import is_plain
from bot.rooms.early import EarlyReply
from bot.rooms.evidence import NOTHING, weigh
from bot.rooms.freezing import Freezing
from bot.rooms.lane import why_refused
from bot.rooms.loop_guard import LoopGuard
from bot.rooms.loops import Held
from bot.rooms.posting import Chat, Posting
from bot.rooms.progress import Progress
from bot.rooms.quarantine import Quarantine, Suspicion, suspicion_of
from bot.rooms.refusals import Refusals
from bot.rooms.report import Stopwatch, TurnReport
from bot.rooms.saying import Said, Saying, broken, condemned, failed, refused, traceback_of
from bot.rooms.uploads import given_with

log = structlog.get_logger(__name__)


class Roster(Protocol):
    """The bots, as far as a turn needs them."""

    def serving(self, bot_id: str) -> Bot | None:
        """Return the bot's latest good version, also when its file is gone; None if unknown."""
        ...


class Turns:
    """Runs turns. The lanes say when; this says what."""

    def __init__(  # noqa: PLR0913 - the stations of a turn
        self,
        journal: Journal,
        answering: Answering,
        posting: Posting,
        quarantine: Quarantine,
        loop_guard: LoopGuard,
        roster: Roster,
        chats: Mapping[str, Chat],
        *,
        progress: Progress,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._journal = journal
        self._answering = answering
        self._freezing = Freezing(journal, answering, chats)
        self._posting = posting
        self._quarantine = quarantine
        self._loop_guard = loop_guard
        self._roster = roster
        self._chats = chats
        self._progress = progress
        self._endings = posting.endings
        self._now = now
        self._refusals = Refusals(journal)

    def foresee(self, message: Message, lane: str) -> Beginning | None:
        """Return how the turn of *message* will begin, if that can be known before it is recorded.

        Whatever has to be decided first, or waited for, begins in its turn: None.
        """
        bot = self._roster.serving(message.bot)
        if bot is None or not (is_plain(message, lane, bot) and self._quarantine.calm):
            return None
        return (
            self._answering.foresee(message, bot) if self._loop_guard.trusts(message, bot) else None
        )

    async def run(self, entry: Entry) -> TurnReport | None:
        """Answer *entry* in its room. Returns when it is recorded how that ended.

        None: another message of the lane goes first now, or it was cut short and is still open, or
        the server is being stopped. Raises JournalUnavailable while nothing was said yet; the
        message is still open then.
        """
        with self._endings.turn(entry.seq):
            report = await self._run(entry)
        await self._answering.renewals.after_turn(entry)
        return report

    def end(self, seq: int) -> bool:
        """Cut the turn of message *seq* short; False when it does not run, or has said its last.

        What becomes of the message is for the caller to have written down before: the turn ends
        as the journal says, and leaves an open message to whoever runs it next. Its conversation
        drops the prompt and stays open; nothing that was heard is lost or leaks into the next.
        """
        return self._endings.end(seq)

    async def _run(self, entry: Entry) -> TurnReport | None:
        watch = Stopwatch(started=self._now())
        bot = self._roster.serving(entry.message.bot)
        if bot is None:
            return await self._abandon(entry, watch)
        if entry.verdict is not None:
            outcome = await self._deliver(entry, entry.parts, bot, fresh=False)
            self._progress.look(entry)
            return watch.report(entry, outcome, None, parts=len(entry.parts), now=self._now())
        held = await self._loop_guard.hold(entry, bot)
        if held is not None:
            return await self._hold(entry, held, bot, watch)
        if (told := await self._tell(entry, bot)) is not None:
            return await self._speak(await self._freeze(*told, bot, watch), bot, watch)
        async with self._progress.shown(entry, bot) as showing:
            said = None
            with self._freezing.early(bot, showing) as early, self._endings.endable():
                said = await self._try(entry, bot, watch, early)
            if said is None:
                return await self._cut_short(entry, watch)
            return await self._speak(said, bot, watch)

    def look(self, lane: str) -> None:
        """Have what came for *lane* looked at by the turn that runs there, or seen to wait."""
        self._answering.meanwhile.look(lane)
        self._progress.expect()

    def admit_no_more(self) -> None:
        """Try no message any more that is not being tried already."""
        self._quarantine.close()

    async def apologise(self, entry: Entry, bug: Exception) -> TurnReport | None:
        """Tell the room that a bug cost this message, and keep the traceback for the operator."""
        bot = self._roster.serving(entry.message.bot)
        current = await self._journal.entry(entry.seq)
        if bot is None or current is None or current.verdict is not None:
            return await self.bury(entry, bug)
        watch = Stopwatch(started=self._now())
        said = await self._freeze(entry, broken(current, bug, bot), bot, watch)
        report = await self._speak(said, bot, watch)
        self._progress.look(entry)
        return report

    async def bury(self, entry: Entry, *bugs: Exception) -> TurnReport | None:
        """Make *entry* a dead letter without a word to the room; None when it has ended already."""
        watch = Stopwatch(started=self._now())
        reason = "\n".join(map(traceback_of, bugs))
        if not await self._journal.settle(entry, outcome=Outcome.DEAD, reason=reason):
            return None
        return watch.report(entry, Outcome.DEAD, None, parts=0, now=self._now())

    async def _hold(self, entry: Entry, held: Held, bot: Bot, watch: Stopwatch) -> TurnReport:
        """End a message that only keeps a loop going; the room is told at the first one."""
        if held.told:
            await self._journal.settle(entry, outcome=Outcome.SKIPPED, reason=held.reason)
            return watch.report(entry, Outcome.SKIPPED, None, parts=0, now=self._now())
        saying = Saying(
            markdown=phrases_of(bot.language).looped,
            kind=PartKind.NOTICE,
            verdict=Outcome.TOLD,
            reason=held.reason,
        )
        return await self._speak(await self._freeze(entry, saying, bot, watch), bot, watch)

    async def _try(
        self, entry: Entry, bot: Bot, watch: Stopwatch, early: EarlyReply
    ) -> Said | None:
        """Find out what to say, beside whom that may be tried, and freeze it."""
        suspicion = suspicion_of(entry)
        if suspicion is Suspicion.NONE:
            evidence = NOTHING
        else:
            evidence = weigh(await self._journal.lives.trials(entry.seq))
            log.warning("turn_suspected", entry=entry.seq, bot=bot.id, **evidence.fields())
        if evidence.enough:
            return await self._freeze(entry, condemned(entry, bot, evidence), bot, watch, early)
        async with self._quarantine.tried(suspicion, calm_s=evidence.calm_s) as admitted:
            if not admitted:
                return None
            watch.started = self._now()
            alone = suspicion is Suspicion.STRONG
            with self._journal.lives.noted() if alone else nullcontext():
                entry = await self._answering.gather(entry, bot)
                saying = await self._decide(entry, bot, early, alone=alone)
            self._endings.seal()
            if saying is None:
                return None
            return await self._freeze(entry, saying, bot, watch, early)

    async def _decide(
        self, entry: Entry, bot: Bot, early: EarlyReply, *, alone: bool
    ) -> Saying | None:
        phrases = phrases_of(bot.language)
        if entry.message.kind is MessageKind.BARE:
            return Saying(markdown=phrases.bare, kind=PartKind.NOTICE, verdict=Outcome.TOLD)
        try:
            files = await given_with(entry.message, bot, self._chats[bot.platform])
            answer = await self._answering.answer(entry, bot, alone=alone, files=files, early=early)
        except AgentError as error:
            return failed(entry, error, bot)
        if answer is None:
            return None
        return Saying(
            markdown=answer.markdown,
            kind=PartKind.ANSWER,
            verdict=Outcome.ANSWERED,
            answer=answer,
            to=entry.askers,
        )

    async def _tell(self, entry: Entry, bot: Bot) -> tuple[Entry, Saying] | None:
        """Answer a command or a refused message; None when it is neither.

        Nobody is asked, and so nobody has to be left alone meanwhile.
        """
        if (command := command_of(entry.message)) is not None:
            told = await self._answering.tell(entry, command, bot)
            return entry, Saying(markdown=told.markdown, kind=told.kind, verdict=told.verdict)
        if (why := why_refused(entry.lane)) is not None:
            entry = await self._refusals.burst(entry)
            return entry, refused(entry, why, bot)
        return None

    async def _cut_short(self, entry: Entry, watch: Stopwatch) -> TurnReport | None:
        """Report a turn that said nothing, if its message has ended."""
        outcome = await self._journal.orders.outcome(entry.seq)
        if outcome is None:
            return None
        return watch.report(entry, outcome, None, parts=0, now=self._now())

    async def _freeze(
        self,
        entry: Entry,
        saying: Saying,
        bot: Bot,
        watch: Stopwatch,
        early: EarlyReply | None = None,
    ) -> Said:
        """Fix what is going to be said, so that nobody has to be asked again."""
        said = await self._freezing.freeze(entry, saying, bot, early)
        watch.frozen = self._now()
        return said

    async def _speak(self, said: Said, bot: Bot, watch: Stopwatch) -> TurnReport:
        outcome = await self._deliver(said.entry, said.parts, bot, fresh=True)
        parts = len(said.parts)
        return watch.report(said.entry, outcome, said.answer, parts=parts, now=self._now())

    async def _deliver(
        self, entry: Entry, parts: Sequence[Part], bot: Bot, *, fresh: bool
    ) -> Outcome:
        chat = self._chats[bot.platform]
        return await self._posting.deliver(entry, parts, chat, bot.credentials.key, fresh=fresh)

    async def _abandon(self, entry: Entry, watch: Stopwatch) -> TurnReport:
        """Give up a message whose bot is gone: without its key nobody can be told."""
        bot_id = entry.message.bot
        log.error("bot_missing", bot=bot_id, entry=entry.seq)
        await self._journal.settle(
            entry, outcome=Outcome.DEAD, reason=f'bot "{bot_id}" is not configured any more'
        )
        return watch.report(entry, Outcome.DEAD, None, parts=0, now=self._now())
