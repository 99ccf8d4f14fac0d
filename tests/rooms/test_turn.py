"""One turn, from an open message to its settled answer."""

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from anyio.lowlevel import checkpoint

from bot.errors import (
    AgentMissing,
    AgentStartFailed,
    ConversationDied,
    ModelFailed,
    NoPlace,
    TurnTimedOut,
)
from bot.journal import Journal
from bot.journal.lock import last_life
from bot.journal.stops import COMMANDS
from bot.language.english import ENGLISH
from bot.records import Entry, Message, MessageKind, Outcome, PartKind
from bot.rooms.answering import Answering
from bot.rooms.loop_guard import LoopGuard
from bot.rooms.posting import Posting
from bot.rooms.quarantine import Quarantine, Suspicion
from bot.rooms.turn import Turns
from bot.sessions.statistics import Warmth
from tests.rooms.people import (
    LANE,
    Clock,
    FakeAgent,
    FakeChat,
    FakePage,
    FakeProgress,
    FakeRoster,
    FakeSessions,
    a_bot,
    a_journal,
    accepted,
    said,
)


class Stage:
    """A turn's collaborators."""

    def __init__(self, journal: Journal, clock: Clock, *answers: Exception | str) -> None:
        self.chat = FakeChat()
        self.sessions = FakeSessions(*answers)
        self.progress = FakeProgress()
        self.quarantine = Quarantine()
        self.turns = self.with_roster(FakeRoster(a_bot()), journal, clock)

    def with_roster(self, roster: FakeRoster, journal: Journal, clock: Clock) -> Turns:
        """Build the turns of other bots."""
        return Turns(
            journal,
            Answering(journal, self.sessions, FakeAgent()),
            Posting(journal, now=clock, sleep=clock.sleep),
            self.quarantine,
            LoopGuard(journal, {"campfire": FakePage()}),
            roster,
            {"campfire": self.chat},
            progress=self.progress,
            now=clock,
        )


async def answered_once(stage: Stage, journal: Journal) -> None:
    """Have a first message answered: the loop guard lets what follows through then."""
    await stage.turns.run(await accepted(journal, said()))


async def test_the_turn_of_a_plain_message_is_foreseen(journal: Journal, clock: Clock) -> None:
    """How it begins is known before it is recorded; not of the first one, which is looked at."""
    stage = Stage(journal, clock, "hello")
    assert stage.turns.foresee(said(number=2), LANE) is None
    await answered_once(stage, journal)
    foreseen = stage.turns.foresee(said(number=2), LANE)
    assert foreseen is not None
    assert (foreseen.key, foreseen.session_id) == (said(number=2).key, "a-session")


@pytest.mark.parametrize(
    ("message", "lane"),
    [
        (said("stop"), LANE),
        (said(kind=MessageKind.BARE), LANE),
        (said(kind=MessageKind.UPLOAD), LANE),
        (replace(said(), off_record=True), LANE),
        (said(), f"{COMMANDS}full!{LANE}/ada/7"),
        (said(bot="gone"), LANE),
    ],
    ids=["command", "bare", "upload", "off the record", "refused", "no bot"],
)
async def test_whatever_is_decided_first_is_not_foreseen(
    journal: Journal, clock: Clock, message: Message, lane: str
) -> None:
    """Its turn begins as it always did."""
    stage = Stage(journal, clock, "hello")
    await answered_once(stage, journal)
    assert stage.turns.foresee(message, lane) is None


@pytest.mark.parametrize("when_busy", ["collect", "steer", "interrupt"])
async def test_what_may_share_its_turn_is_not_foreseen(
    journal: Journal, clock: Clock, when_busy: str
) -> None:
    """What else waits is looked for first."""
    stage, bot = Stage(journal, clock, "hello"), a_bot()
    bot = replace(bot, turn=replace(bot.turn, when_busy=when_busy))
    turns = stage.with_roster(FakeRoster(bot), journal, clock)
    await turns.run(await accepted(journal, said()))
    assert turns.foresee(said(number=2), LANE) is None


async def test_nothing_is_foreseen_beside_a_suspect(journal: Journal, clock: Clock) -> None:
    """It would have begun when the server goes down, and be suspected too."""
    stage = Stage(journal, clock, "hello")
    await answered_once(stage, journal)
    async with stage.quarantine.tried(Suspicion.STRONG):
        assert stage.turns.foresee(said(number=2), LANE) is None
    assert stage.turns.foresee(said(number=2), LANE) is not None


async def reason_of(journal: Journal) -> str | None:
    """Return why the one dead letter is one."""
    (letter,) = await journal.letters.listed()
    return letter.reason


async def test_a_message_is_answered(journal: Journal, clock: Clock) -> None:
    """The answer is posted, the message settled, the history kept."""
    stage = Stage(journal, clock, "all\nis well")
    report = await stage.turns.run(await accepted(journal, said()))
    assert report is not None
    assert (report.outcome, report.path, report.parts) == (Outcome.ANSWERED, Warmth.HOT, 2)
    assert stage.chat.room == ["<p>all</p>", "<p>is well</p>"]
    (kept,) = await journal.dialogues.recent(
        platform="campfire", bot="ada", room="42", user=None, limit=5
    )
    assert (kept.question, kept.answer) == ("What is new?", "all\nis well")


async def test_a_bare_mention_gets_help(journal: Journal, clock: Clock) -> None:
    """Without asking the agent, and without a trace in the history."""
    stage = Stage(journal, clock)
    report = await stage.turns.run(await accepted(journal, said("", kind=MessageKind.BARE)))
    assert report is not None
    assert (report.outcome, stage.chat.room) == (Outcome.TOLD, [f"<p>{ENGLISH.bare}</p>"])
    assert stage.sessions.prompts == []
    assert not await journal.dialogues.recent(
        platform="campfire", bot="ada", room="42", user=None, limit=5
    )


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (TurnTimedOut("no answer within 60 s"), "took too long"),
        (ModelFailed("529", reason="overloaded"), "overloaded"),
        (ModelFailed("?", reason="something new"), "could not answer"),
        (ModelFailed("402", reason="billing"), "no credit"),
        (AgentMissing("no such file"), "could not start"),
        (NoPlace("every conversation is in use"), "busy in too many other rooms"),
    ],
)
async def test_a_failure_is_told_in_a_sentence(
    journal: Journal, clock: Clock, error: Exception, told: str
) -> None:
    """Plain words for the room, the reason for the operator, and no traceback anywhere."""
    stage = Stage(journal, clock, error)
    report = await stage.turns.run(await accepted(journal, said()))
    assert report is not None
    assert report.outcome is Outcome.TOLD
    (sentence,) = stage.chat.room
    assert told in sentence
    assert (await journal.tally()).told == 1


@pytest.mark.parametrize(
    ("error", "told"),
    [(ConversationDied("-9"), "broke off twice"), (AgentStartFailed("?"), "could not start")],
)
async def test_a_child_that_fails_twice_is_told(
    journal: Journal, clock: Clock, error: Exception, told: str
) -> None:
    """Once, after its retry."""
    stage = Stage(journal, clock, error, error)
    await stage.turns.run(await accepted(journal, said()))
    (sentence,) = stage.chat.room
    assert told in sentence


async def test_a_frozen_reply_is_only_posted(journal: Journal, clock: Clock) -> None:
    """After a crash nobody is asked again; the verdict stands."""
    stage = Stage(journal, clock, "never said")
    first = Stage(journal, clock, "all is well")
    entry = await accepted(journal, said())
    first.chat.fates = [RuntimeError("the process ends here")]
    with pytest.raises(RuntimeError):
        await first.turns.run(entry)
    again = await journal.head(LANE)
    assert again is not None
    report = await stage.turns.run(again)
    assert report is not None
    assert (report.outcome, report.path, stage.chat.room) == (
        Outcome.ANSWERED,
        None,
        ["<p>all is well</p>"],
    )
    assert stage.sessions.prompts == []


async def test_a_message_of_a_missing_bot_is_given_up(journal: Journal, clock: Clock) -> None:
    """Without its key nobody can be told, but an operator can see it."""
    stage = Stage(journal, clock)
    turns = stage.with_roster(FakeRoster(), journal, clock)
    report = await turns.run(await accepted(journal, said()))
    assert report is not None
    assert (report.outcome, stage.chat.tried) == (Outcome.DEAD, [])
    assert await reason_of(journal) == 'bot "ada" is not configured any more'


async def test_a_lower_message_goes_first(journal: Journal, clock: Clock) -> None:
    """The turn ends without a word; the message stays open."""
    stage = Stage(journal, clock, "never said")
    entry = await accepted(journal, said(number=2))
    await accepted(journal, said(number=1))
    assert await stage.turns.run(entry) is None
    assert (await journal.tally()).open == 2


def a_bug(text: str = "a bug") -> Exception:
    """Return an exception that has been raised."""
    with pytest.raises(ZeroDivisionError) as caught:
        _break(text)
    return caught.value


def _break(text: str) -> None:
    raise ZeroDivisionError(text)


async def test_a_bug_is_apologised_for(journal: Journal, clock: Clock) -> None:
    """The room hears a sentence, the operator finds the traceback."""
    stage = Stage(journal, clock)
    report = await stage.turns.apologise(await accepted(journal, said()), a_bug())
    assert report is not None
    assert (report.outcome, stage.chat.room) == (Outcome.DEAD, [f"<p>{ENGLISH.bug}</p>"])
    reason = await reason_of(journal)
    assert reason is not None
    assert reason.startswith("Traceback")
    assert reason.rstrip().endswith("ZeroDivisionError: a bug")


async def test_a_bug_after_the_answer_was_frozen_adds_nothing(
    journal: Journal, clock: Clock
) -> None:
    """The room may have seen a part of it: it hears no second story."""
    stage = Stage(journal, clock, "all\nis well")
    stage.chat.fates = ["7", RuntimeError("a bug in the platform")]
    entry = await accepted(journal, said())
    with pytest.raises(RuntimeError):
        await stage.turns.run(entry)
    report = await stage.turns.apologise(entry, a_bug())
    assert report is not None
    assert (report.outcome, stage.chat.room) == (Outcome.DEAD, ["<p>all</p>"])


async def crashed(journal: Journal, *, alone: bool) -> Entry:
    """Let the server go away while the one message is tried."""
    head = await journal.head(LANE)
    assert head is not None
    await journal.start_attempt(head, session_id="a-session", prompt_uuid=str(uuid4()), alone=alone)
    await journal.take_rooms()
    current = await journal.head(LANE)
    assert current is not None
    return current


async def test_the_third_crash_while_alone_is_the_last(journal: Journal, clock: Clock) -> None:
    """The room is told, the operator finds out why, and nobody is asked again."""
    stage = Stage(journal, clock, "never said")
    entry = await accepted(journal, said())
    for alone in (False, False, True, True, True):
        entry = await crashed(journal, alone=alone)
    report = await stage.turns.run(entry)
    assert report is not None
    assert (report.outcome, stage.chat.room) == (Outcome.DEAD, [f"<p>{ENGLISH.crashed}</p>"])
    assert stage.sessions.prompts == []
    assert "ended 3 times while this message was tried" in (await reason_of(journal) or "")


async def test_crashes_beside_others_cost_nothing(journal: Journal, clock: Clock) -> None:
    """However often the server goes away: whoever was not alone is tried again, and answered."""
    stage = Stage(journal, clock, "all is well")
    entry = await accepted(journal, said())
    for _ in range(10):
        entry = await crashed(journal, alone=False)
    report = await stage.turns.run(entry)
    assert report is not None
    assert (report.outcome, stage.chat.room) == (Outcome.ANSWERED, ["<p>all is well</p>"])


@pytest.mark.parametrize(("crashes", "alone"), [(0, 0), (1, 0), (2, 1), (3, 1)])
async def test_who_is_tried_alone_is_known_to_be(
    tmp_path: Path, clock: Clock, crashes: int, alone: int
) -> None:
    """Before the prompt leaves, the journal says that nothing else runs.

    And the server notes that it lives: only then, since an idle one shall cost nothing.
    """
    lock = tmp_path / "journal.db.lock"
    async with a_journal(tmp_path, clock) as journal:
        stage = Stage(journal, clock, "all is well")
        entry = await accepted(journal, said())
        for _ in range(crashes):
            entry = await crashed(journal, alone=False)
        await stage.turns.run(entry)
        async with asyncio.timeout(10):
            while alone and last_life(lock) != clock():
                await checkpoint()
    assert (last_life(lock) == clock()) is bool(alone)
    with sqlite3.connect(tmp_path / "journal.db") as db:
        last = "SELECT alone FROM attempts ORDER BY number DESC LIMIT 1"
        assert db.execute(last).fetchall() == [(alone,)]
    db.close()


async def test_no_turn_starts_while_the_server_stops(journal: Journal, clock: Clock) -> None:
    """The message stays open for the next start."""
    stage = Stage(journal, clock, "never said")
    entry = await accepted(journal, said())
    stage.turns.admit_no_more()
    assert await stage.turns.run(entry) is None
    assert ((await journal.tally()).open, stage.sessions.prompts) == (1, [])


async def test_the_reason_outlasts_a_crash(tmp_path: Path, clock: Clock) -> None:
    """Why the room was told something else than an answer is kept with what it is told."""
    async with a_journal(tmp_path, clock) as journal:
        stage = Stage(journal, clock, TurnTimedOut("no answer within 60 s"))
        stage.chat.fates = [RuntimeError("the process ends here")]
        with pytest.raises(RuntimeError):
            await stage.turns.run(await accepted(journal, said()))
        entry = await journal.head(LANE)
        assert entry is not None
        await stage.turns.run(entry)
    with sqlite3.connect(tmp_path / "journal.db") as db:
        kept = db.execute("SELECT state, reason FROM inbox").fetchall()
    db.close()
    assert kept == [("told", "TurnTimedOut: no answer within 60 s")]


async def test_a_bug_of_a_missing_bot_is_kept(journal: Journal, clock: Clock) -> None:
    """There is no key to apologise with."""
    stage = Stage(journal, clock)
    turns = stage.with_roster(FakeRoster(), journal, clock)
    await turns.apologise(await accepted(journal, said()), a_bug())
    assert stage.chat.tried == []
    assert "ZeroDivisionError" in (await reason_of(journal) or "")


async def test_what_has_ended_is_not_buried(journal: Journal, clock: Clock) -> None:
    """A bug in what follows a settled turn changes nothing about it."""
    stage = Stage(journal, clock, "all is well")
    entry: Entry = await accepted(journal, said())
    await stage.turns.run(entry)
    assert await stage.turns.apologise(entry, a_bug()) is None
    tally = await journal.tally()
    assert (tally.answered, tally.dead) == (1, 0)


async def test_every_bug_is_kept(journal: Journal, clock: Clock) -> None:
    """Also that of the apology."""
    stage = Stage(journal, clock)
    await stage.turns.bury(await accepted(journal, said()), a_bug("first"), a_bug("second"))
    reason = await reason_of(journal) or ""
    assert reason.index("ZeroDivisionError: first") < reason.index("ZeroDivisionError: second")


async def test_an_answer_takes_the_place_of_its_placeholder(journal: Journal, clock: Clock) -> None:
    """Of what gave way to it, its first part is made."""
    stage = Stage(journal, clock, "all\nis well")
    stage.progress.placeholder = "77"
    await stage.turns.run(await accepted(journal, said()))
    assert (stage.chat.changes, stage.chat.room) == (["edit 77 <p>all</p>"], ["<p>is well</p>"])


async def test_what_is_only_posted_is_looked_after(journal: Journal, clock: Clock) -> None:
    """A process that takes up a frozen reply cleans up after the one that froze it."""
    stage = Stage(journal, clock)
    entry = await accepted(journal, said())
    await journal.freeze(
        entry,
        ["<p>all</p>"],
        kind=PartKind.ANSWER,
        verdict=Outcome.ANSWERED,
        attempt=None,
        answer_text="all",
    )
    frozen = await journal.entry(entry.seq)
    assert frozen is not None
    await stage.turns.run(frozen)
    assert stage.progress.looked == [entry.seq]
