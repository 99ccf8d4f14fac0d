"""The journal as the server uses it; every method is one transaction on one writer."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from bot.journal import attempts, counters, inbox, outbox, ownership, replies, retention
from bot.journal.beginnings import Beginnings
from bot.journal.companions import Companions
from bot.journal.dialogues import Dialogues
from bot.journal.hearing import Hearing
from bot.journal.letters import Letters
from bot.journal.lives import Lives
from bot.journal.operation import Operation, T
from bot.journal.orders import Orders
from bot.journal.outgoing import Address, Outgoing
from bot.journal.places import Places
from bot.journal.reception import Reception
from bot.journal.signs import Signs
from bot.journal.stops import start_attempt
from bot.journal.views import Expired, JournalStatistics, Tally, WaitingLane
from bot.journal.writer import Writer, open_writer
from bot.records import (
    Acceptance,
    Attempt,
    AttemptState,
    Entry,
    Message,
    Outcome,
    Part,
    PartKind,
)
from bot.records.file import File
from bot.records.prompts import SessionPrompts


class Journal:
    """What must survive. When a method returns, its change is synced to disk.

    Every method raises JournalUnavailable when the disk does not take it: then nothing of it
    is visible, and trying again is safe. The change of a cancelled caller still lands.
    """

    def __init__(self, writer: Writer, *, node: str, now: Callable[[], float]) -> None:
        self._writer = writer
        #: How the server ended before, and who may have done it.
        self.lives = Lives(writer, writer.path, now=now)
        self.reception = Reception(writer, node=node, now=now)
        #: What commands do to other messages.
        self.orders = Orders(self.reception, writer, node=node, now=now)
        #: Where bots were spoken to, and how far they have read there.
        self.places = Places(writer)
        #: What was said in a room lately, and by whom.
        self.dialogues = Dialogues(writer)
        #: What was given up.
        self.letters = Letters(writer, now=now)
        #: Turns that begin while their messages are recorded.
        self.beginnings = Beginnings(writer, now=now)
        #: What shares a turn.
        self.companions = Companions(writer, now=now)
        #: What rooms see of turns that are under way.
        self.signs = Signs(writer, now=now)
        #: What the sessions have heard of their rooms, and what nobody may hear again.
        self.hearing = Hearing(writer)
        #: What has to be known of a reply before it leaves.
        self.outgoing = Outgoing(writer)
        #: Returns when the journal is closed; raises WriterBroken when a bug has ended it before.
        self.serve = writer.serve
        self._node = node
        self._now = now

    # ---- messages ----

    def on_new(self, tell: Callable[[str], None]) -> None:
        """Call *tell* with the lane of what `accept` found new, once it is on disk.

        Also of a message that nobody waits for any more.
        """
        self.reception.on_new(tell)

    def accept(self, message: Message, *, lane: str) -> asyncio.Future[Acceptance]:
        """Owe *message* an answer; a repeated one changes nothing.

        A future and no coroutine: it lands even when the caller gives up waiting.
        """
        return self.reception.accept(message, lane)

    async def skip(self, message: Message, *, lane: str, reason: str) -> Acceptance:
        """Record *message* as one that gets no answer, and why; a repeated one changes nothing."""
        return await self.reception.skip(message, lane, reason)

    def head(self, lane: str) -> asyncio.Future[Entry | None]:
        """Read the next open message of *lane*: the lowest position, then the first accepted.

        Before them all one whose reply is frozen: what is half said is said to its end. Whether
        it is due (a part's `not_before`) is for the caller to respect.
        """
        return self._writer.read(partial(inbox.head, lane=lane))

    async def entry(self, seq: int) -> Entry | None:
        """Read one message, settled or not; None when retention has deleted it."""
        return await self._writer.read(partial(inbox.entry, seq=seq))

    async def open_lanes(self) -> tuple[str, ...]:
        """Name the lanes with open messages, the longest waiting first."""
        return await self._writer.read(inbox.open_lanes)

    async def open_messages(self, bot: str) -> int:
        """Count what *bot* still owes."""
        return await self._writer.read(partial(inbox.open_messages, bot=bot))

    def hand_over(self) -> None:
        """Let what was accepted wait for no other commit: the journal is about to close."""
        self.reception.hand_over()

    # ---- attempts ----

    async def start_attempt(
        self, entry: Entry, *, session_id: str, prompt_uuid: str, alone: bool = False
    ) -> Attempt | None:
        """Record that *entry* is about to be asked; only then may the prompt leave.

        Its companions are joined to it. None: it is settled (by this, when a stop said after it
        came before it), has its reply already, or a companion is gone, or a message with a lower
        position was accepted meanwhile; ask for the lane's head again. *alone* says that no other
        turn runs, so that a crash is this one's.
        """
        companions = [companion.seq for companion in entry.companions]
        start = partial(start_attempt, entry=entry.seq, companions=companions, alone=alone)
        asked = partial(start, session_id=session_id, prompt_uuid=prompt_uuid, at=self._now())
        return await self._land(asked, entry)

    async def end_attempt(
        self, attempt: Attempt, *, state: AttemptState, error: str | None = None
    ) -> None:
        """Record how *attempt* ended; an answered one is ended by `freeze`."""
        at = self._now()
        await self._writer.write(
            partial(attempts.end, attempt=attempt, state=state, error=error, at=at)
        )

    async def excuse_running(self) -> None:
        """Record that the server is being stopped: what ends in a turn now has not crashed it."""
        await self._writer.write(partial(ownership.stop, at=self._now()))

    async def prompts(self, session_id: str) -> SessionPrompts:
        """Name the prompts sent in a session: those still open, and the last that were answered."""
        return await self._writer.read(partial(attempts.prompts, session_id=session_id))

    # ---- replies ----

    def freeze(  # noqa: PLR0913 - all that is fixed in one commit
        self,
        entry: Entry,
        said: Sequence[str | File],
        *,
        kind: PartKind,
        verdict: Outcome,
        attempt: Attempt | None,
        answer_text: str | None,
        reason: str | None = None,
        into: str | None = None,
        address: Address | None = None,
    ) -> asyncio.Future[tuple[Part, ...]]:
        """Fix the reply to *entry* and its companions, texts (HTML) and files, once for all.

        The first part comes back as sending, so that it may be posted without another sync.
        An answer ends its *attempt* as answered; *answer_text* goes to the history when the
        message is settled, *reason* is for the operator. A message that was settled meanwhile
        takes no reply: ``()``. *into* is the placeholder that becomes the first part, *address*
        whom it may have to name.
        """
        reply = replies.Reply(
            parts=said,
            kind=kind,
            verdict=verdict,
            text=answer_text,
            reason=reason,
            into=into,
            address=address,
        )
        at = self._now()
        return self._writer.write(
            partial(replies.freeze, entry=entry, reply=reply, attempt=attempt, at=at)
        )

    def thaw(self, entry: Entry, attempt: Attempt) -> asyncio.Future[None]:
        """Take back the reply that *attempt* has brought, of which nothing has left yet.

        The message is open again and the attempt runs; one that was settled meanwhile stays so.
        """
        return self._writer.write(partial(replies.thaw, entry=entry.seq, attempt=attempt))

    async def mark_sending(self, part: Part) -> Part:
        """Record that *part* is about to leave. Post it only if it comes back as sending."""
        return await self._writer.write(partial(outbox.mark_sending, seq=part.seq, at=self._now()))

    async def mark_posted(self, part: Part, *, remote_id: str | None) -> None:
        """Record that *part* stands in the room; a second call changes nothing."""
        at = self._now()
        await self._writer.write(
            partial(outbox.mark_posted, seq=part.seq, remote_id=remote_id, at=at)
        )

    async def retry_part(self, part: Part, *, not_before: float, error: str) -> Part:
        """Put *part* back: it did not arrive."""
        return await self._writer.write(
            partial(outbox.retry, seq=part.seq, not_before=not_before, error=error)
        )

    async def mark_repeat(self, part: Part) -> Part:
        """Record that *part*, which may have arrived, is sent again."""
        return await self._writer.write(partial(outbox.mark_repeat, seq=part.seq, at=self._now()))

    async def kill_part(self, part: Part, *, error: str, uncertain: bool = False) -> Part:
        """Give *part* up, *uncertain* whether it arrived; settling is for the caller."""
        kill = partial(outbox.kill, seq=part.seq, error=error, uncertain=uncertain)
        return await self._writer.write(kill)

    async def posted_ids(self, *, platform: str, ids: Sequence[str]) -> frozenset[str]:
        """Return those of a room's messages, by *ids*, that are known as parts of ours."""
        return await self._writer.read(partial(outbox.posted_ids, platform=platform, ids=ids))

    async def settle(
        self,
        entry: Entry,
        *,
        outcome: Outcome | None = None,
        reason: str | None = None,
        last: Part | None = None,
        remote_id: str | None = None,
    ) -> bool:
        """End *entry* with *outcome*, or with its verdict; False when it had ended before.

        Records *last* as posted in the same commit, which saves a sync. With an outcome,
        what has not left yet is given up; without one, all parts must be posted. Of what was said
        off the record, no text is on disk any more.
        """
        settle = partial(replies.settle, entry=entry, outcome=outcome, reason=reason)
        end = partial(settle, last=last, remote_id=remote_id, at=self._now())
        return await self._land(end, entry)

    def _land(self, end: Operation[T], entry: Entry) -> asyncio.Future[T]:
        """Carry out what may *end* an entry, so that nothing off the record is left."""
        withheld = any(message.off_record for message in entry.messages)
        return self._writer.erase(end) if withheld else self._writer.write(end)

    # ---- for operators ----

    async def tally(self) -> Tally:
        """Read the equation."""
        return await self._writer.read(counters.tally)

    async def lanes(self) -> tuple[WaitingLane, ...]:
        """Read how much waits in each lane, the longest waiting first."""
        return await self._writer.read(inbox.waiting)

    async def writable(self) -> None:
        """Return when a commit has reached the disk; else raise JournalUnavailable."""
        await self._writer.write(partial(ownership.beat, node=self._node, at=self._now()))

    def statistics(self) -> JournalStatistics:
        """Read what the writer did since the journal was opened."""
        return self._writer.statistics()

    # ---- upkeep ----

    async def take_rooms(self) -> int:
        """Own every lane from now on; return how many attempts an earlier process left running.

        Once, at start, before any attempt of this process.
        """
        take = partial(ownership.take, node=self._node, lock=self.lives.lock, at=self._now())
        return await self._writer.write(take)

    async def expire(self, *, settled_before: float, history_before: float) -> Expired:
        """Delete what is older, open messages never; the counters keep it."""
        return await retention.expire(
            self._writer, settled_before=settled_before, history_before=history_before
        )


@asynccontextmanager
async def open_journal(
    path: Path, *, node: str, now: Callable[[], float] = time.time
) -> AsyncIterator[Journal]:
    """Open or create the journal at *path*; raises JournalUnavailable when that cannot be."""
    async with open_writer(path) as writer:
        journal = Journal(writer, node=node, now=now)
        try:
            yield journal
        finally:
            journal.hand_over()
