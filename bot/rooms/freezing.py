"""Fixing what is going to be said, so that nobody has to be asked again."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from bot.config.bot import Bot
from bot.journal.journal import Journal
from bot.records import Attempt, Entry, Outcome, Part, PartKind, Person
from bot.rooms.answering import Answering
from bot.rooms.composing import compose, files_of
from bot.rooms.early import EarlyReply
from bot.rooms.posting import Chat
from bot.rooms.saying import Said, Saying
from bot.rooms.showing import Showing


class Freezing:
    """Freezes replies: when they are known, or a little before."""

    def __init__(self, journal: Journal, answering: Answering, chats: Mapping[str, Chat]) -> None:
        self._journal = journal
        self._answering = answering
        self._chats = chats

    @contextmanager
    def early(self, bot: Bot, showing: Showing) -> Iterator[EarlyReply]:
        """Let the answer that is looked for in this block be frozen early, if it may be.

        What nobody has frozen for good by the end of the block is taken back.
        """
        freeze = partial(self._freeze_early, bot=bot, showing=showing)
        early = EarlyReply(self._journal, freeze=freeze, showing=showing)
        try:
            yield early
        finally:
            early.take_back()

    async def freeze(
        self, entry: Entry, saying: Saying, bot: Bot, early: EarlyReply | None = None
    ) -> Said:
        """Fix *saying* as the reply to *entry*; what was frozen *early* is that already."""
        into = parts = None
        if early is not None:
            into = await early.give_way()
            parts = await early.adopt()
        if parts is None:
            parts = await self._freeze(entry, saying, bot, into)
        return Said(entry=replace(entry, verdict=saying.verdict), parts=parts, answer=saying.answer)

    async def _freeze(
        self, entry: Entry, saying: Saying, bot: Bot, into: str | None
    ) -> tuple[Part, ...]:
        answer, chat = saying.answer, self._chats[bot.platform]
        answered = await self._askers(entry, saying)
        more = await files_of(answer, bot=bot, chat=chat, answering=self._answering)
        reply = compose(saying.markdown, bot=bot, chat=chat, answered=answered, more=more)
        return await self._journal.freeze(
            entry,
            reply.parts,
            kind=saying.kind,
            verdict=saying.verdict,
            attempt=answer.attempt if answer is not None else None,
            answer_text=answer.markdown if answer is not None else None,
            reason=saying.reason,
            into=into,
            address=reply.address,
        )

    def _freeze_early(
        self, entry: Entry, attempt: Attempt, text: str, *, bot: Bot, showing: Showing
    ) -> asyncio.Future[tuple[Part, ...]] | None:
        """Freeze what the agent has said, where nothing but its end can be missing."""
        if bot.has_tools or not showing.blank:
            return None
        chat = self._chats[bot.platform]
        reply = compose(text, bot=bot, chat=chat, answered=entry.askers)
        return self._journal.freeze(
            entry,
            reply.parts,
            kind=PartKind.ANSWER,
            verdict=Outcome.ANSWERED,
            attempt=attempt,
            answer_text=text,
            address=reply.address,
        )

    async def _askers(self, entry: Entry, saying: Saying) -> tuple[Person, ...]:
        """Return who is answered: nobody who has stopped, just now, what was asked with it."""
        if not entry.companions:
            return saying.to or (entry.message.author,)
        return (await self._journal.companions.left(entry)).askers
