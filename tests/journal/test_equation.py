import asyncio
import tempfile
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bot.journal import Journal
from bot.journal.views import Tally
from bot.records import Acceptance, Entry, Outcome, Part, PartKind, PartState
from tests.journal.engines import Clock, Engine, SqliteEngine, busy, said

LANES = st.sampled_from(["watercooler", "kitchen"])
NUMBERS = st.integers(1, 30)


@dataclass(eq=False)
class Owed:
    """What the model knows of an open message."""

    number: int
    lane: str
    position: int
    #: The order of acceptance.
    rank: int
    frozen: bool = False
    #: In whose turn it is answered; None: in its own.
    leader: "Owed | None" = None


class Life(RuleBasedStateMachine):
    """A journal beside a model of it, through everything a server does to it."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.engine: Engine = SqliteEngine(Path(self.folder.name) / "journal.db")
        self.clock = Clock()
        self.stack = AsyncExitStack()
        self.journal: Journal
        #: Numbers that a delivery may repeat, until retention forgets them.
        self.known: set[int] = set()
        self.owed: list[Owed] = []
        #: Given up, by the journal's number, until retention forgets them.
        self.dead: dict[int, Owed] = {}
        #: Those that the operator took off the list.
        self.dropped: set[int] = set()
        self.ended: Counter[Outcome] = Counter()
        self.accepted = 0

    @initialize()
    def start(self) -> None:
        """Open the journal."""
        self.runner.run(self._open())

    async def _open(self) -> None:
        self.journal = await self.stack.enter_async_context(self.engine.open(now=self.clock))
        await self.journal.take_rooms()

    @rule()
    def restart(self) -> None:
        """Close and open again."""
        self.runner.run(self.stack.aclose())
        self.runner.run(self._open())

    @rule(number=NUMBERS, lane=LANES, position=st.integers(1, 5))
    def deliver(self, number: int, lane: str, position: int) -> None:
        """Accept a message, which may be a repeated one."""
        accepted = self.runner.run(self._accept(number, lane, position))
        assert accepted is (Acceptance.REPEATED if number in self.known else Acceptance.NEW)
        self._owe(number, lane, position)

    @rule(number=NUMBERS, lane=LANES, position=st.integers(1, 5))
    def deliver_to_nobody(self, number: int, lane: str, position: int) -> None:
        """Accept a message whose delivery is cancelled while it waits."""
        self.runner.run(self._cancel(number, lane, position))
        self._owe(number, lane, position)

    async def _accept(self, number: int, lane: str, position: int) -> Acceptance:
        return await self.journal.accept(said(number=number, position=position), lane=lane)

    async def _cancel(self, number: int, lane: str, position: int) -> None:
        async with busy(self.journal._writer):
            self.journal.accept(said(number=number, position=position), lane=lane).cancel()

    def _owe(self, number: int, lane: str, position: int) -> None:
        if number not in self.known:
            self.accepted += 1
            self.known.add(number)
            owed = Owed(number=number, lane=lane, position=position, rank=self.accepted)
            self.owed.append(owed)

    def _head(self, lane: str) -> tuple[Entry, Owed] | None:
        """Read the head, and check that it is the one it must be."""

        async def look() -> Entry | None:
            return await self.journal.head(lane)

        head = self.runner.run(look())
        waiting = [owed for owed in self.owed if owed.lane == lane and owed.leader is None]
        if head is None:
            assert not waiting
            return None
        first = min(waiting, key=lambda owed: (not owed.frozen, owed.position, owed.rank))
        assert head.message.id == str(first.number)
        assert (head.verdict is not None) == first.frozen
        together = {int(companion.message.id) for companion in head.companions}
        assert together == {owed.number for owed in self.owed if owed.leader is first}
        return head, first

    @rule(lane=LANES)
    def attempt(self, lane: str) -> None:
        """Start an attempt at the head, which works unless its reply is frozen."""
        if found := self._head(lane):
            head, owed = found
            attempt = self.runner.run(
                self.journal.start_attempt(head, session_id="s", prompt_uuid=str(uuid4()))
            )
            assert (attempt is None) == owed.frozen

    @rule(lane=LANES, most=st.integers(1, 3))
    def attempt_together(self, lane: str, most: int) -> None:
        """Start an attempt at the head and at what else waits."""
        if not (found := self._head(lane)) or found[1].frozen:
            return
        head, owed = found
        more = self.runner.run(self.journal.companions.candidates(head, author=None, limit=most))
        together = replace(head, companions=(*head.companions, *more))
        attempt = self.journal.start_attempt(together, session_id="s", prompt_uuid=str(uuid4()))
        assert self.runner.run(attempt) is not None
        numbers = {int(companion.message.id) for companion in more}
        for one in self.owed:
            one.leader = owed if one.number in numbers else one.leader

    @rule(lane=LANES, parts=st.integers(1, 3))
    def reply(self, lane: str, parts: int) -> None:
        """Freeze an answer, once."""
        if found := self._head(lane):
            head, owed = found
            frozen = self.runner.run(self._freeze(head, parts))
            assert len(frozen) == (len(head.parts) if owed.frozen else parts)
            owed.frozen = True

    @rule(lane=LANES, parts=st.integers(1, 3))
    def take_back(self, lane: str, parts: int) -> None:
        """Freeze an answer too early."""
        found = self._head(lane)
        if found and not found[1].frozen and found[0].attempts:
            head, _ = found
            self.runner.run(self._freeze(head, parts, take_back=True))
            again = self.runner.run(self.journal.entry(head.seq))
            assert again is not None
            assert (again.verdict, again.parts) == (None, head.parts)

    async def _freeze(
        self, head: Entry, parts: int, *, take_back: bool = False
    ) -> tuple[Part, ...]:
        attempt = head.attempts[-1] if head.attempts else None
        frozen = await self.journal.freeze(
            head,
            ["Hi."] * parts,
            kind=PartKind.ANSWER,
            verdict=Outcome.ANSWERED,
            attempt=attempt,
            answer_text="Hi.",
        )
        if take_back and attempt is not None:
            await self.journal.thaw(head, attempt)
        return frozen

    @rule(lane=LANES, failing=st.booleans())
    def post(self, lane: str, failing: bool) -> None:  # noqa: FBT001  (drawn by name)
        """Post every part of the frozen reply and settle, or fail at the first."""
        if not (found := self._head(lane)) or not found[1].frozen:
            return
        head, owed = found
        for part in head.parts:
            if part.state is PartState.POSTED:
                continue
            sending = self.runner.run(self.journal.mark_sending(part))
            if failing:
                self.runner.run(self.journal.retry_part(sending, not_before=0, error="503"))
                return
            self.runner.run(self.journal.mark_posted(sending, remote_id="1"))
        assert self.runner.run(self.journal.settle(head))
        self._end(head, owed, Outcome.ANSWERED)

    @rule(lane=LANES, outcome=st.sampled_from(Outcome))
    def settle(self, lane: str, outcome: Outcome) -> None:
        """End the head with an outcome, twice."""
        if found := self._head(lane):
            head, owed = found
            assert self.runner.run(self.journal.settle(head, outcome=outcome))
            assert not self.runner.run(self.journal.settle(head, outcome=outcome))
            self._end(head, owed, outcome)

    @precondition(lambda self: self.dead)
    @rule(which=st.integers(0, 99))
    def retry(self, which: int) -> None:
        """Open a dead letter again, once, with what shared its turn and was not dropped."""
        seq = sorted(self.dead)[which % len(self.dead)]
        assert self.runner.run(self.journal.letters.retry(seq))
        assert not self.runner.run(self.journal.letters.retry(seq))
        one = self.dead[seq]
        lead = one.leader
        if lead is None or all(
            dead is not lead or number in self.dropped for number, dead in self.dead.items()
        ):
            one.leader, lead = None, one
        for number, dead in tuple(self.dead.items()):
            if dead.leader is lead and dead is not one and number in self.dropped:
                dead.leader = None
            elif dead is lead or dead.leader is lead:
                self.owed.append(self.dead.pop(number))
                self.dropped.discard(number)
                self.ended[Outcome.DEAD] -= 1

    @precondition(lambda self: self.dead)
    @rule(which=st.integers(0, 99))
    def drop(self, which: int) -> None:
        """Take a dead letter off the list."""
        seq = sorted(self.dead)[which % len(self.dead)]
        assert self.runner.run(self.journal.letters.drop(seq))
        self.dropped.add(seq)

    @invariant()
    def listed(self) -> None:
        """Check the list of dead letters."""
        if self.accepted:
            listed = self.runner.run(self.journal.letters.listed(limit=99))
            shown = sorted(self.dead.keys() - self.dropped, reverse=True)
            assert [letter.entry.seq for letter in listed] == shown

    def _end(self, head: Entry, owed: Owed, outcome: Outcome) -> None:
        """End the head, and what is answered with it."""
        numbers = {int(entry.message.id): entry.seq for entry in (head, *head.companions)}
        for one in tuple(self.owed):
            if one is owed or one.leader is owed:
                self.owed.remove(one)
                self.ended[outcome] += 1
                if outcome is Outcome.DEAD:
                    self.dead[numbers[one.number]] = one

    @precondition(lambda self: self.ended)
    @rule()
    def expire(self) -> None:
        """Delete all that is settled: its numbers are unknown again, and counted for ever."""
        self.clock.pass_(1)
        self.runner.run(
            self.journal.expire(settled_before=self.clock(), history_before=self.clock())
        )
        self.known = {owed.number for owed in self.owed}
        self.dead.clear()
        self.dropped.clear()

    @invariant()
    def balanced(self) -> None:
        """Check the equation, and each of its numbers."""
        if self.accepted:
            tally = self.runner.run(self.journal.tally())
            assert tally.balanced
            ended = {outcome.value: self.ended[outcome] for outcome in Outcome}
            assert tally == Tally(accepted=self.accepted, open=len(self.owed), **ended)

    def teardown(self) -> None:
        """Close everything."""
        self.runner.run(self.stack.aclose())
        self.runner.close()
        self.folder.cleanup()


def test_the_equation_holds_whatever_happens() -> None:
    """Accepted equals what ended plus what is open, and the head is always the first."""
    run_state_machine_as_test(Life, settings=settings(max_examples=40, stateful_step_count=40))
