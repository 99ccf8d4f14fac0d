"""The agent's answer, got once as far as the agent can see."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.config.bot import Bot
from bot.errors import AgentStartFailed, ConversationDied, ModelFailed, TurnTimedOut
from bot.journal import Journal
from bot.records import AttemptState, Entry, Outcome, PartKind, SessionKey
from bot.rooms.answering import Answering, session_key
from bot.rooms.context import Context
from bot.sessions.statistics import Warmth
from tests.rooms.people import (
    KIM,
    LANE,
    LEE,
    Clock,
    FakeAgent,
    FakeSessions,
    a_bot,
    accepted,
    in_room,
    said,
)

_DIED = ConversationDied("exit code -9")


async def attempts_of(journal: Journal, entry: Entry) -> list[AttemptState]:
    """Read how each attempt ended."""
    current = await journal.entry(entry.seq)
    assert current is not None
    return [attempt.state for attempt in current.attempts]


async def settled(journal: Journal, number: int, text: str, *, by: object = KIM) -> None:
    """Let an earlier message be answered."""
    entry = await accepted(journal, said(text, number=number, author=by))
    await journal.freeze(
        entry,
        (),
        kind=PartKind.ANSWER,
        verdict=Outcome.ANSWERED,
        attempt=None,
        answer_text=f"answer to {text}",
    )
    await journal.settle(entry)


async def test_an_attempt_is_journaled_before_the_prompt_leaves(journal: Journal) -> None:
    """Its uuid is the prompt's."""
    sessions = FakeSessions("all is well")
    entry = await accepted(journal, said())
    answer = await Answering(journal, sessions, FakeAgent()).answer(entry, a_bot())
    assert answer is not None
    assert (answer.markdown, answer.path) == ("all is well", Warmth.HOT)
    ((prompt_uuid, text),) = sessions.prompts
    assert prompt_uuid == answer.attempt.prompt_uuid
    assert "What is new?" in text
    assert await attempts_of(journal, entry) == [AttemptState.RUNNING]


@pytest.mark.parametrize("session_id", ["a-session", "an-older-one"])
async def test_an_attempt_that_began_with_its_message(journal: Journal, session_id: str) -> None:
    """Its prompt leaves without another sync, if it is still for the session that is asked."""
    sessions, agent = FakeSessions("all is well"), FakeAgent()
    answering = Answering(journal, sessions, agent)
    beginning = answering.foresee(said(), a_bot())
    assert beginning is not None
    await journal.accept(said(), lane=LANE)
    head = await journal.beginnings.head(LANE, replace(beginning, session_id=session_id))
    assert head is not None
    commits = journal.statistics().commits
    answer = await answering.answer(head, a_bot())
    assert answer is not None
    used = session_id == "a-session"
    assert (answer.attempt.prompt_uuid == beginning.prompt_uuid) is used
    assert journal.statistics().commits - commits == (0 if used else 1)
    assert sessions.prompts[0][0] == answer.attempt.prompt_uuid
    running = [AttemptState.RUNNING]
    assert await attempts_of(journal, head) == (
        running if used else [AttemptState.FAILED, *running]
    )


async def test_an_attempt_that_began_is_not_for_what_shares_the_turn(journal: Journal) -> None:
    """The companions have to be joined to it."""
    answering = Answering(journal, FakeSessions("all is well"), FakeAgent())
    beginning = answering.foresee(said(), a_bot())
    assert beginning is not None
    await journal.accept(said(), lane=LANE)
    head = await journal.beginnings.head(LANE, beginning)
    assert head is not None
    await journal.accept(said(number=2), lane=LANE)
    other = await journal.entry(head.seq + 1)
    assert other is not None
    answer = await answering.answer(replace(head, companions=(other,)), a_bot())
    assert answer is not None
    assert answer.attempt.prompt_uuid != beginning.prompt_uuid
    together = await journal.head(LANE)
    assert together is not None
    assert [one.seq for one in together.companions] == [other.seq]


async def test_a_session_that_is_not_open_is_not_foreseen(journal: Journal) -> None:
    """Its id, and whether it can be opened at all, shows when its turn comes."""
    answering = Answering(journal, FakeSessions(path=Warmth.WARM), FakeAgent())
    assert answering.foresee(said(), a_bot()) is None


async def test_a_message_that_goes_first_is_let_go_first(journal: Journal) -> None:
    """When a lower position was accepted meanwhile, nothing is asked."""
    sessions = FakeSessions("never said")
    entry = await accepted(journal, said(number=2))
    await accepted(journal, said(number=1))
    assert await Answering(journal, sessions, FakeAgent()).answer(entry, a_bot()) is None
    assert sessions.prompts == []


@pytest.mark.parametrize("error", [_DIED, AgentStartFailed("no memory")])
async def test_a_child_that_ends_costs_one_retry(journal: Journal, error: Exception) -> None:
    """The second attempt has a prompt of its own; the first has failed."""
    sessions = FakeSessions(error, "all is well")
    entry = await accepted(journal, said())
    answer = await Answering(journal, sessions, FakeAgent()).answer(entry, a_bot())
    assert answer is not None
    assert answer.markdown == "all is well"
    assert len({prompt_uuid for prompt_uuid, _ in sessions.prompts}) == 2
    assert await attempts_of(journal, entry) == [AttemptState.FAILED, AttemptState.RUNNING]


async def test_a_child_that_ends_twice_is_given_up(journal: Journal) -> None:
    """There is no third try."""
    sessions = FakeSessions(_DIED, _DIED, "never said")
    entry = await accepted(journal, said())
    with pytest.raises(ConversationDied):
        await Answering(journal, sessions, FakeAgent()).answer(entry, a_bot())
    assert await attempts_of(journal, entry) == [AttemptState.FAILED] * 2


@pytest.mark.parametrize("error", [TurnTimedOut("1 s"), ModelFailed("no", reason="key")])
async def test_other_failures_are_not_retried(journal: Journal, error: Exception) -> None:
    """They are the room's to hear."""
    sessions = FakeSessions(error, "never said")
    entry = await accepted(journal, said())
    with pytest.raises(type(error)):
        await Answering(journal, sessions, FakeAgent()).answer(entry, a_bot())
    assert await attempts_of(journal, entry) == [AttemptState.FAILED]


async def test_an_answer_in_the_transcript_is_the_answer(journal: Journal) -> None:
    """After a crash the agent is not asked what it has answered."""
    entry = await accepted(journal, said())
    attempt = await journal.start_attempt(entry, session_id="a-session", prompt_uuid="a-prompt")
    assert attempt is not None
    sessions, agent = FakeSessions(), FakeAgent()
    agent.answers = {"a-prompt": "all is well"}
    again = await accepted(journal, said())
    answer = await Answering(journal, sessions, agent).answer(again, a_bot())
    assert answer is not None
    assert (answer.markdown, answer.attempt.seq) == ("all is well", attempt.seq)
    assert (answer.path, answer.reply) == (None, None)
    assert agent.read == ["a-session"]


async def test_a_child_that_ends_after_its_answer_is_not_asked_again(journal: Journal) -> None:
    """Its answer stands in the transcript, although its result never came."""
    agent = FakeAgent()
    sessions = FakeSessions(_DIED, "never said")

    class Answered(FakeAgent):
        async def transcript(self, bot: str, session_id: str) -> object:
            agent.answers = {sessions.prompts[-1][0]: "all is well"}
            return await agent.transcript(bot, session_id)

    entry = await accepted(journal, said())
    answer = await Answering(journal, sessions, Answered()).answer(entry, a_bot())
    assert answer is not None
    assert answer.markdown == "all is well"
    assert len(sessions.prompts) == 1


async def test_a_first_attempt_reads_no_transcript(journal: Journal) -> None:
    """A hot turn costs no look at the disk."""
    agent = FakeAgent()
    entry = await accepted(journal, said())
    await Answering(journal, FakeSessions("hello"), agent).answer(entry, a_bot())
    assert agent.read == []


@pytest.mark.parametrize("path", [Warmth.HOT, Warmth.WARM])
async def test_a_kept_memory_needs_no_recap(journal: Journal, path: Warmth) -> None:
    """Only a new session is told what was said."""
    await settled(journal, 1, "the tea is cold")
    sessions = FakeSessions("hello", path=path)
    entry = await accepted(journal, said(number=2))
    await Answering(journal, sessions, FakeAgent()).answer(entry, a_bot())
    assert "recap" not in sessions.prompts[0][1]


@pytest.mark.parametrize("path", [Warmth.COLD, Warmth.SPARE])
async def test_a_lost_session_is_told_the_last_turns(journal: Journal, path: Warmth) -> None:
    """The last thirty, oldest first; log and seat say so."""
    for number in range(1, 33):
        await settled(journal, number, f"word {number}.")
    sessions = FakeSessions("hello", path=path)
    entry = await accepted(journal, said(number=40))
    await Answering(journal, sessions, FakeAgent()).answer(entry, a_bot())
    prompt = sessions.prompts[0][1]
    places = [prompt.find(f">word {number}.<") for number in range(1, 33)]
    assert places[:2] == [-1, -1]
    assert places[2:] == sorted(places[2:])
    assert ">answer to word 32.<" in prompt
    assert sessions.recapped == 1


async def test_an_expired_session_is_told_nothing(journal: Journal, clock: Clock) -> None:
    """What is older than the TTL was meant to be forgotten."""
    await settled(journal, 1, "the tea is cold")
    await clock.sleep(3601)
    sessions = FakeSessions("hello", path=Warmth.COLD)
    entry = await accepted(journal, said(number=2))
    await Answering(journal, sessions, FakeAgent()).answer(entry, a_bot())
    assert "recap" not in sessions.prompts[0][1]


async def test_a_message_that_waited_counts_from_its_acceptance(
    journal: Journal, clock: Clock
) -> None:
    """A session that was alive when the message came is not expired by its waiting."""
    await settled(journal, 1, "the tea is cold")
    sessions = FakeSessions("hello", path=Warmth.COLD)
    entry = await accepted(journal, said(number=2))
    entry = replace(entry, accepted_at=entry.accepted_at + timedelta(minutes=59))
    await clock.sleep(7200)
    await Answering(journal, sessions, FakeAgent()).answer(entry, a_bot())
    assert "the tea is cold" in sessions.prompts[0][1]


async def test_nobody_is_told_what_another_said(journal: Journal) -> None:
    """With a session each, Kim's recap holds Kim's turns."""
    await settled(journal, 1, "the tea is cold", by=LEE)
    await settled(journal, 2, "the milk is sour", by=KIM)
    sessions = FakeSessions("hello", path=Warmth.COLD)
    entry = await accepted(journal, said(number=3))
    await Answering(journal, sessions, FakeAgent()).answer(entry, a_bot(scope="user"))
    assert sessions.keys == [SessionKey(room="42", bot="ada", user="7")]
    prompt = sessions.prompts[0][1]
    assert ("the tea" in prompt, "the milk" in prompt) == (False, True)


class Gossip:
    """A room in which somebody said something."""

    def __init__(self) -> None:
        #: For whom it was listened.
        self.heard_for: list[SessionKey] = []
        #: Who has asked for it, and whether its memory was lost.
        self.asked: list[tuple[str, bool]] = []
        #: Who has answered what it came along with.
        self.answered: list[str] = []

    @asynccontextmanager
    async def listening(self, entry: Entry, bot: Bot, key: SessionKey) -> AsyncIterator["Gossip"]:
        """Listen."""
        assert entry.message.bot == bot.id
        self.heard_for.append(key)
        yield self

    def told(self, session_id: str, context: Context) -> None:
        """Take note."""
        assert context.upto == 9
        self.answered.append(session_id)

    async def unheard_by(self, session_id: str, *, lost: bool) -> Context:
        """Tell it."""
        self.asked.append((session_id, lost))
        return Context(remarks=(in_room("indeed", 3, author=LEE),), upto=9)


@pytest.mark.parametrize("path", [Warmth.HOT, Warmth.COLD])
async def test_what_was_said_meanwhile_is_told(journal: Journal, path: Warmth) -> None:
    """It comes along with the prompt, and the attempt knows how much was heard."""
    await settled(journal, 1, "the tea is cold")
    sessions, gossip = FakeSessions("hello", path=path), Gossip()
    entry = await accepted(journal, said(number=9))
    answer = await Answering(journal, sessions, FakeAgent(), gossip).answer(entry, a_bot())
    assert answer is not None
    assert answer.attempt.heard == 9
    assert ">indeed</said>" in sessions.prompts[0][1]
    assert gossip.heard_for == [SessionKey(room="42", bot="ada")]
    assert gossip.asked == [("a-session", path is Warmth.COLD)]
    assert gossip.answered == ["a-session"]


async def test_a_failed_attempt_knows_what_it_has_heard(journal: Journal) -> None:
    """Its prompt stays in the session's memory."""
    sessions = FakeSessions(TurnTimedOut("1 s"))
    entry = await accepted(journal, said(number=9))
    with pytest.raises(TurnTimedOut):
        await Answering(journal, sessions, FakeAgent(), Gossip()).answer(entry, a_bot())
    current = await journal.entry(entry.seq)
    assert current is not None
    assert [attempt.heard for attempt in current.attempts] == [9]


async def test_off_the_record_the_session_is_left_alone(journal: Journal) -> None:
    """It is asked beside it, and told no recap."""
    await settled(journal, 1, "the tea is cold")
    sessions = FakeSessions("hello", path=Warmth.COLD)
    entry = await accepted(journal, said(number=2, off_record=True))
    answer = await Answering(journal, sessions, FakeAgent()).answer(entry, a_bot())
    assert answer is not None
    assert (answer.attempt.session_id, sessions.unkept, sessions.keys) == ("no-session", 1, [])
    assert "recap" not in sessions.prompts[0][1]


def test_a_session_is_the_rooms_or_a_persons() -> None:
    """Whose memory a message goes to is the bot's to say."""
    message = said(author=LEE)
    assert session_key(a_bot(), message) == SessionKey(room="42", bot="ada")
    assert session_key(a_bot(scope="user"), message) == SessionKey(room="42", bot="ada", user="8")
