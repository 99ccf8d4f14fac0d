"""A reply is frozen while the child still says why it ended, and leaves only then."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from anyio import wait_all_tasks_blocked

from bot.agent.reply import Listener, Reply
from bot.config.bot import Bot
from bot.errors import ConversationDied, JournalUnavailable, ModelFailed
from bot.journal import Journal
from bot.records import Attempt, AttemptState, Entry, Outcome, Part, PartKind
from bot.rooms.early import EarlyReply
from bot.rooms.report import TurnReport
from tests.rooms import test_stopping
from tests.rooms.people import (
    Clock,
    FakeProgress,
    FakeRoster,
    FakeSessions,
    a_bot,
    accepted,
    at_once,
    said,
)
from tests.rooms.test_turn import Stage

Think = Callable[[Listener], Awaitable[None]]


def completing(journal: Journal, entry: Entry, *texts: str, frozen: bool = True) -> Think:
    """Return a child that has said *texts*, and says why it ended when the journal was seen."""
    verdict = Outcome.ANSWERED if frozen else None

    async def think(listener: Listener) -> None:
        for text in texts:
            listener.complete(text)
        await asyncio.sleep(0)
        seen = await journal.entry(entry.seq)
        assert seen is not None
        assert seen.verdict is verdict
        assert seen.parts == () if verdict is None else seen.parts != ()

    return think


async def run(stage: Stage, entry: Entry) -> TurnReport:
    """Run a turn that comes to an end."""
    report = await stage.turns.run(entry)
    assert report is not None
    return report


async def is_open(journal: Journal, entry: Entry) -> bool:
    """Tell whether nothing is frozen."""
    current = await journal.entry(entry.seq)
    assert current is not None
    return current.verdict is None and current.parts == ()


async def states_of(journal: Journal, entry: Entry) -> list[AttemptState]:
    """Read how each attempt ended."""
    current = await journal.entry(entry.seq)
    assert current is not None
    return [attempt.state for attempt in current.attempts]


async def test_it_is_recorded_before_it_is_known(journal: Journal, clock: Clock) -> None:
    """Nothing leaves before; then it needs no further commit but that of its end."""
    stage = Stage(journal, clock, "all\nis well")
    entry = await accepted(journal, said())
    before, think = 0, completing(journal, entry, "all\nis well")

    async def thinking(listener: Listener) -> None:
        nonlocal before
        await think(listener)
        assert stage.chat.tried == []
        before = journal.statistics().commits

    stage.sessions.think = thinking
    report = await run(stage, entry)
    assert (report.outcome, report.parts) == (Outcome.ANSWERED, 2)
    assert stage.chat.room == ["<p>all</p>", "<p>is well</p>"]
    # The first part posted, the second about to leave, the message settled.
    assert journal.statistics().commits == before + 3
    assert await states_of(journal, entry) == [AttemptState.ANSWERED]


async def test_it_goes_on(journal: Journal, clock: Clock) -> None:
    """What was taken for the answer is taken back, and the whole one is said, once."""
    stage = Stage(journal, clock, "All is well.")
    entry = await accepted(journal, said())
    stage.sessions.think = completing(journal, entry, "All is")
    assert (await run(stage, entry)).outcome is Outcome.ANSWERED
    assert stage.chat.room == ["<p>All is well.</p>"]
    assert await states_of(journal, entry) == [AttemptState.ANSWERED]


@pytest.mark.parametrize("how", ["more is asked", "more is said", "nothing comes"])
async def test_it_is_taken_back_as_soon_as_it_goes_on(
    journal: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Or when it takes long to know: what was decided with it would be of long ago."""
    monkeypatch.setattr("bot.rooms.early.LASTS_S", 0.0 if how == "nothing comes" else 60.0)
    stage = Stage(journal, clock, "All is well.")
    entry = await accepted(journal, said())
    think = completing(journal, entry, "All is well.", frozen=how != "nothing comes")

    async def thinking(listener: Listener) -> None:
        if how != "nothing comes":
            await think(listener)
        else:
            listener.complete("All is well.")
            await asyncio.sleep(0)
            async with asyncio.timeout(10):
                while not await is_open(journal, entry):
                    pass
        if how == "more is asked":
            listener.goes_on()
        if how == "more is said":
            listener.complete("All is well.\n\nAnd warm.")
        assert await is_open(journal, entry)
        assert await states_of(journal, entry) == [AttemptState.RUNNING]

    stage.sessions.think = thinking
    assert (await run(stage, entry)).outcome is Outcome.ANSWERED
    assert stage.chat.room == ["<p>All is well.</p>"]


async def test_it_fails_after_all(journal: Journal, clock: Clock) -> None:
    """The room hears why, and nothing of what broke off."""
    stage = Stage(journal, clock, ModelFailed("overloaded", reason="overloaded"))
    entry = await accepted(journal, said())
    stage.sessions.think = completing(journal, entry, "All is")
    assert (await run(stage, entry)).outcome is Outcome.TOLD
    (sentence,) = stage.chat.room
    assert "overloaded" in sentence
    assert await states_of(journal, entry) == [AttemptState.FAILED]


async def test_the_child_dies_after_all(journal: Journal, clock: Clock) -> None:
    """It is asked again, and the second answer counts; nothing is early about that."""
    stage = Stage(journal, clock, ConversationDied("exit code -9"), "All is well.")
    entry = await accepted(journal, said())
    thoughts = [
        completing(journal, entry, "All is"),
        completing(journal, entry, "All is well.", frozen=False),
    ]

    async def thinking(listener: Listener) -> None:
        await thoughts.pop(0)(listener)

    stage.sessions.think = thinking
    assert (await run(stage, entry)).outcome is Outcome.ANSWERED
    assert stage.chat.room == ["<p>All is well.</p>"]
    assert await states_of(journal, entry) == [AttemptState.FAILED, AttemptState.ANSWERED]


async def test_the_server_is_stopped_in_between(journal: Journal, clock: Clock) -> None:
    """The message is open, its attempt runs, and nobody has to doubt whether something left."""
    stage = Stage(journal, clock, "All is well.")
    entry = await accepted(journal, said())
    think, there = completing(journal, entry, "All is well."), asyncio.Event()

    async def thinking(listener: Listener) -> None:
        await think(listener)
        there.set()
        await asyncio.Event().wait()

    stage.sessions.think = thinking
    turn = asyncio.create_task(stage.turns.run(entry))
    await there.wait()
    turn.cancel()
    await asyncio.wait([turn])
    assert await is_open(journal, entry)
    assert await states_of(journal, entry) == [AttemptState.RUNNING]


async def test_somebody_says_stop_in_between(journal: Journal, clock: Clock) -> None:
    """It is stopped, and nothing is said."""
    sessions = FakeSessions("All is well.")
    stage = test_stopping.Stage(journal, clock, sessions=sessions)
    entry = await accepted(journal, said())
    think = completing(journal, entry, "All is well.")

    async def thinking(listener: Listener) -> None:
        await think(listener)
        await stage.stop()
        await asyncio.Event().wait()

    sessions.think = thinking
    assert await stage.outcome(entry) is Outcome.STOPPED
    assert stage.chat.tried == []
    assert await states_of(journal, entry) == [AttemptState.STOPPED]


def with_tools(bot: Bot) -> Bot:
    """Let a bot do more than talk."""
    return replace(bot, agent=replace(bot.agent, tools=("WebSearch",)))


async def test_who_may_do_more_than_talk_is_waited_for(journal: Journal, clock: Clock) -> None:
    """A tool may follow the text, and a file may come with it."""
    stage = Stage(journal, clock, "All is well.")
    entry = await accepted(journal, said())
    stage.sessions.think = completing(journal, entry, "All is well.", frozen=False)
    turns = stage.with_roster(FakeRoster(with_tools(a_bot())), journal, clock)
    assert await turns.run(entry) is not None
    assert stage.chat.room == ["<p>All is well.</p>"]


async def test_a_room_that_sees_something_is_waited_for(journal: Journal, clock: Clock) -> None:
    """The answer may have to become what stands there."""
    stage = Stage(journal, clock, "All is well.")
    stage.progress.blank = False
    entry = await accepted(journal, said())
    stage.sessions.think = completing(journal, entry, "All is well.", frozen=False)
    await run(stage, entry)
    assert stage.chat.room == ["<p>All is well.</p>"]


async def test_a_room_that_sees_something_in_the_last_moment(
    journal: Journal, clock: Clock
) -> None:
    """The placeholder becomes the answer, as if nothing had been frozen."""
    stage = Stage(journal, clock, "All is well.")
    entry = await accepted(journal, said())
    think = completing(journal, entry, "All is well.")

    async def thinking(listener: Listener) -> None:
        await think(listener)
        stage.progress.placeholder, stage.progress.blank = "90", False

    stage.sessions.think = thinking
    assert (await run(stage, entry)).outcome is Outcome.ANSWERED
    assert stage.chat.changes == ["edit 90 <p>All is well.</p>"]
    assert stage.chat.room == []


@pytest.mark.parametrize("what", ["companions", "off the record", "tried before"])
async def test_only_what_is_asked_alone_and_first(
    journal: Journal, clock: Clock, what: str
) -> None:
    """The rest is rare, and has more to be looked at."""
    stage = Stage(journal, clock, "All is well.")
    entry = await accepted(journal, said(off_record=what == "off the record"))
    if what == "companions":
        await journal.accept(said("and the tea?", number=2), lane=entry.lane)
        others = await journal.companions.candidates(entry, author=None, limit=5)
        entry = replace(entry, companions=others)
    if what == "tried before":
        attempt = await journal.start_attempt(entry, session_id="s", prompt_uuid="p")
        assert attempt is not None
        await journal.end_attempt(attempt, state=AttemptState.FAILED)
        entry = await accepted(journal, said())
    stage.sessions.think = completing(journal, entry, "All is well.", frozen=False)
    await run(stage, entry)
    assert stage.chat.room == ["<p>All is well.</p>"]


@pytest.mark.parametrize("how", ["it goes on", "the child dies"])
async def test_a_disk_that_is_full_when_it_is_taken_back(
    journal: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Nothing else is done before that is recorded: what was not the answer is not said."""
    monkeypatch.setattr("bot.rooms.early._RETRY_S", 0.0)
    thaw, tries = journal.thaw, 0

    def full_twice(*args: Any) -> asyncio.Future[None]:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise JournalUnavailable("journal.db", "disk full")
        if tries > 2:
            return thaw(*args)
        failed = asyncio.get_running_loop().create_future()
        failed.set_exception(JournalUnavailable("journal.db", "disk full"))
        return failed

    monkeypatch.setattr(journal, "thaw", full_twice)
    dies = (ConversationDied("exit code -9"),) if how == "the child dies" else ()
    stage = Stage(journal, clock, *dies, "All is well.")
    entry = await accepted(journal, said())
    thoughts = [completing(journal, entry, "All is"), at_once]

    async def thinking(listener: Listener) -> None:
        await thoughts.pop(0)(listener)

    stage.sessions.think = thinking
    assert (await run(stage, entry)).outcome is Outcome.ANSWERED
    assert (tries, stage.chat.room) == (3, ["<p>All is well.</p>"])


def slow_down(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the disk take its time for a reply."""
    loop, freeze = asyncio.get_running_loop(), journal.freeze

    def slowly(*args: Any, **named: Any) -> asyncio.Future[Any]:
        slow = loop.create_future()

        def tell(parts: tuple[Part, ...]) -> None:
            if not slow.cancelled():
                slow.set_result(parts)

        landing = freeze(*args, **named)
        landing.add_done_callback(lambda done: loop.call_later(0.2, tell, done.result()))
        return slow

    monkeypatch.setattr(journal, "freeze", slowly)


async def test_a_bug_is_the_turns(journal: Journal, clock: Clock) -> None:
    """It does not end the conversation, nor is it lost."""
    stage = Stage(journal, clock, "All is well.")
    entry = await accepted(journal, said())

    def broken(_markdown: str) -> tuple[str, ...]:
        raise ZeroDivisionError

    stage.chat.render = broken  # type: ignore[method-assign]  # it has a bug
    stage.sessions.think = completing(journal, entry, "All is well.", frozen=False)
    with pytest.raises(ZeroDivisionError):
        await stage.turns.run(entry)
    assert await is_open(journal, entry)


async def test_a_slow_disk(journal: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known to be the answer is not taken back any more, however long it is written."""
    monkeypatch.setattr("bot.rooms.early.LASTS_S", 0.05)
    slow_down(journal, monkeypatch)
    stage = Stage(journal, clock, "All is well.")
    entry = await accepted(journal, said())
    stage.sessions.think = completing(journal, entry, "All is well.")
    assert (await run(stage, entry)).outcome is Outcome.ANSWERED
    assert stage.chat.room == ["<p>All is well.</p>"]
    assert await states_of(journal, entry) == [AttemptState.ANSWERED]


async def test_the_server_is_stopped_under_a_slow_disk(
    journal: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not said by then is open."""
    slow_down(journal, monkeypatch)
    stage = Stage(journal, clock, "All is well.")
    entry = await accepted(journal, said())
    stage.sessions.think = completing(journal, entry, "All is well.")
    turn = asyncio.create_task(stage.turns.run(entry))
    async with asyncio.timeout(10):
        while await is_open(journal, entry):
            pass
    await wait_all_tasks_blocked()
    turn.cancel()
    await asyncio.wait([turn])
    assert await is_open(journal, entry)
    assert stage.chat.tried == []


async def test_an_answer_to_more_than_was_asked_is_taken_back(journal: Journal) -> None:
    """Something was added at the last moment: it may have to be settled with it."""
    entry = await accepted(journal, said())
    attempt = await journal.start_attempt(entry, session_id="s", prompt_uuid="p")
    assert attempt is not None

    def freeze(entry: Entry, attempt: Attempt, text: str) -> asyncio.Future[tuple[Part, ...]]:
        return journal.freeze(
            entry,
            [text],
            kind=PartKind.ANSWER,
            verdict=Outcome.ANSWERED,
            attempt=attempt,
            answer_text=text,
        )

    async def asked(early: EarlyReply) -> Reply:
        await completing(journal, entry, "Hi.")(early)
        return Reply(text="Hi.", first_token_s=None, duration_s=0.1, kept_as="p")

    async with FakeProgress().shown(entry, a_bot()) as showing:
        early = EarlyReply(journal, freeze=freeze, showing=showing)
        await early.heed(entry, attempt, asked(early))
        assert await early.adopt() is None
    assert await is_open(journal, entry)


async def test_a_disk_that_is_full_in_between(
    journal: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again, when it is known what to say."""
    freeze, tries = journal.freeze, 0

    def full_once(*args: Any, **named: Any) -> asyncio.Future[Any]:
        nonlocal tries
        tries += 1
        if tries > 1:
            return freeze(*args, **named)
        failed = asyncio.get_running_loop().create_future()
        failed.set_exception(JournalUnavailable("journal.db", "disk full"))
        return failed

    monkeypatch.setattr(journal, "freeze", full_once)
    stage = Stage(journal, clock, "All is well.")
    entry = await accepted(journal, said())
    stage.sessions.think = completing(journal, entry, "All is well.", frozen=False)
    assert (await run(stage, entry)).outcome is Outcome.ANSWERED
    assert (tries, stage.chat.room) == (2, ["<p>All is well.</p>"])
