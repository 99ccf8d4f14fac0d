"""What is answered together: found while it waits, added to what is asked already."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from bot.journal import attempts, inbox, joined
from bot.journal.stops import add_attempt
from bot.journal.writer import Writer
from bot.records import Attempt, Entry


class Companions:
    """The messages that share a turn."""

    def __init__(self, writer: Writer, *, now: Callable[[], float]) -> None:
        self._writer = writer
        self._now = now

    async def candidates(
        self, entry: Entry, *, author: str | None, limit: int
    ) -> tuple[Entry, ...]:
        """Read what waits in *entry*'s lane for the same bot, in the platform's order.

        Of one *author*, or of everybody. Never a message that may have its answer already.
        """
        operation = partial(inbox.candidates, entry=entry, author=author, limit=limit)
        return await self._writer.read(operation)

    async def left(self, entry: Entry) -> Entry:
        """Return *entry* with those of its companions that have not ended."""
        numbers = [one.seq for one in entry.companions]
        left = await self._writer.read(partial(joined.open_among, entries=numbers))
        return replace(entry, companions=tuple(c for c in entry.companions if c.seq in left))

    async def add(self, entry: Entry, *, to: Attempt, prompt_uuid: str) -> Attempt | None:
        """Record that *entry* is about to be sent while *to* runs; only then may the prompt leave.

        None: one of them is not open any more, or *entry* is in a turn already.
        """
        operation = partial(
            add_attempt, entry=entry.seq, to=to, prompt_uuid=prompt_uuid, at=self._now()
        )
        return await self._writer.write(operation)

    async def absorb(self, entry: Entry, prompts: Sequence[str], *, kept_as: str) -> Attempt:
        """Record which *prompts* got one answer: their messages are answered in *entry*'s turn.

        Returns the attempt under whose uuid the transcript has it: *kept_as*, one of them.
        """
        operation = partial(
            attempts.absorb,
            entry=entry.seq,
            prompt_uuids=prompts,
            kept_as=kept_as,
            at=self._now(),
        )
        return await self._writer.write(operation)

    async def sent_with(self, attempt: Attempt) -> tuple[str, ...]:
        """Name what was added to *attempt*, or to the one that it was added to, in order."""
        behind = attempt.behind or attempt.seq
        return await self._writer.read(partial(attempts.sent_behind, behind=behind))
