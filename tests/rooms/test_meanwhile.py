"""What is answered together, and what comes while the agent is asked."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace

import anyio
import pytest

from bot.agent.reply import Reply
from bot.config.bot import Bot
from bot.errors import ConversationDied, TurnTimedOut
from bot.journal import Journal
from bot.records import AttemptState, Entry, MessageKind, Outcome, PartKind
from bot.rooms.company import MOST_CHARACTERS, MOST_MESSAGES, gather
from bot.rooms.meanwhile import Ask, Meanwhile
from bot.rooms.refusals import PAUSE_S, Refusals
from tests.rooms.people import KIM, LANE, LEE, Clock, a_bot, accepted, said

REPLY = Reply(text="Hi.", first_token_s=None, duration_s=1.0)


def a_bot_that(mode: str, *, scope: str = "room") -> Bot:
    """Return Ada, who does so when she is busy."""
    bot = a_bot(scope=scope)
    return replace(bot, turn=replace(bot.turn, when_busy=mode))


async def three(journal: Journal) -> Entry:
    """Let Kim, Lee and Kim say something; return the first."""
    await accepted(journal, said(number=1))
    await accepted(journal, said(number=2, author=LEE))
    return await accepted(journal, said(number=3))


def numbers(entry: Entry) -> list[str]:
    """Return which messages a turn is about."""
    return [message.id for message in entry.messages]


@pytest.mark.parametrize(
    ("bot", "expected"),
    [
        (a_bot_that("queue"), ["1"]),
        (a_bot_that("reject"), ["1"]),
        (a_bot_that("collect"), ["1", "2", "3"]),
        (a_bot_that("collect", scope="user"), ["1", "3"]),
        (a_bot_that("steer"), ["1", "3"]),
        (a_bot_that("interrupt"), ["1", "3"]),
    ],
)
async def test_who_shares_a_turn(journal: Journal, bot: Bot, expected: list[str]) -> None:
    """As the bot has it."""
    entry = await gather(journal, await three(journal), bot)
    assert numbers(entry) == expected
    assert [person.name for person in entry.askers] == (
        ["Kim", "Lee"] if "2" in expected else ["Kim"]
    )


async def test_what_has_to_be_alone(journal: Journal) -> None:
    """A bare name and what is off the record are in nobody's turn, and have none to share."""
    bot = a_bot_that("collect")
    await accepted(journal, said(number=1))
    await accepted(journal, said(number=2, kind=MessageKind.BARE))
    first = await accepted(journal, said(number=3, off_record=True))
    assert numbers(await gather(journal, first, bot)) == ["1"]
    await journal.settle(first, outcome=Outcome.TOLD)
    bare = await accepted(journal, said(number=4))
    assert numbers(await gather(journal, bare, bot)) == ["2"]


async def test_a_turn_is_bounded(journal: Journal) -> None:
    """In messages, and in characters; what does not fit has the next one, in its place."""
    bot = a_bot_that("collect")
    entry = await accepted(journal, said(number=1))
    for number in range(2, MOST_MESSAGES + 9):
        await journal.accept(said(number=number), lane=LANE)
    assert len((await gather(journal, entry, bot)).messages) == MOST_MESSAGES
    await journal.settle(entry, outcome=Outcome.TOLD)
    await journal.accept(said("x" * MOST_CHARACTERS, number=0), lane=LANE)
    entry = await accepted(journal, said(number=1000))
    assert numbers(await gather(journal, entry, bot)) == ["0"]


@pytest.mark.parametrize("state", [AttemptState.RUNNING, AttemptState.FAILED])
async def test_a_turn_that_a_crash_broke_off_stays_as_it_was(
    journal: Journal, state: AttemptState
) -> None:
    """An answer that is found afterwards is the answer to that; after a failure there is none."""
    entry = await accepted(journal, said(number=1))
    attempt = await journal.start_attempt(entry, session_id="s", prompt_uuid="p")
    assert attempt is not None
    if state is AttemptState.FAILED:
        await journal.end_attempt(attempt, state=state)
    await journal.take_rooms()
    entry = await accepted(journal, said(number=2))
    together = ["1", "2"] if state is AttemptState.FAILED else ["1"]
    assert numbers(await gather(journal, entry, a_bot_that("collect"))) == together


# ---- while the agent is asked ----


@dataclass
class Listener:
    """A seat that takes additions, as long as the test wants."""

    takes: bool = True
    error: Exception | None = None
    #: What was added.
    added: list[str] = field(default_factory=list)

    async def add(self, text: str, *, prompt_uuid: str) -> bool:
        """Take an addition."""
        assert prompt_uuid
        if self.error is not None:
            raise self.error
        self.added.append(text)
        return self.takes


class Agent:
    """An answer that comes when the test says so."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    async def asked(self) -> Reply | None:
        """Wait for it."""
        return await self.answer


async def asking(
    journal: Journal, bot: Bot, seat: Listener, asked: Coroutine[None, None, Reply | None]
) -> tuple[Meanwhile, "asyncio.Task[Reply | None]"]:
    """Ask for the lane's head; return once nothing happens any more."""
    entry = await journal.head(LANE)
    assert entry is not None
    attempt = await journal.start_attempt(entry, session_id="s", prompt_uuid="p")
    assert attempt is not None
    meanwhile = Meanwhile(journal)
    ask = Ask(entry=entry, attempt=attempt, bot=bot, seat=seat)
    task = asyncio.create_task(meanwhile.attend(ask, asked))
    await quiet(journal)
    return meanwhile, task


async def quiet(journal: Journal) -> None:
    """Wait until whoever looks into the journal has seen it."""
    for _ in range(3):
        await journal.tally()
        await anyio.wait_all_tasks_blocked()


async def test_the_askers_messages_are_added(journal: Journal) -> None:
    """Those that came before anybody watched, and those that come later; nobody else's."""
    seat, agent = Listener(), Agent()
    await three(journal)
    meanwhile, task = await asking(journal, a_bot_that("steer"), seat, agent.asked())
    assert len(seat.added) == 1
    await accepted(journal, said("And more.", number=4))
    meanwhile.look(LANE)
    await quiet(journal)
    assert ['id="3"' in seat.added[0], 'id="4"' in seat.added[1]] == [True, True]
    agent.answer.set_result(REPLY)
    assert await task is REPLY
    waiting = await journal.entry(2)
    assert waiting is not None
    assert waiting.attempts == ()


async def test_what_came_too_late_waits(journal: Journal) -> None:
    """Its attempt has failed: it has a turn of its own."""
    seat, agent = Listener(takes=False), Agent()
    await three(journal)
    _, task = await asking(journal, a_bot_that("steer"), seat, agent.asked())
    agent.answer.set_result(REPLY)
    await task
    late = await journal.entry(3)
    assert late is not None
    assert [attempt.state for attempt in late.attempts] == [AttemptState.FAILED]


async def test_a_child_that_is_gone_is_the_turns_trouble(journal: Journal) -> None:
    """The turn gets its error as it is; the addition waits."""
    seat, agent = Listener(error=ConversationDied("exit code -9")), Agent()
    await three(journal)
    _, task = await asking(journal, a_bot_that("steer"), seat, agent.asked())
    agent.answer.set_exception(TurnTimedOut("too long"))
    with pytest.raises(TurnTimedOut):
        await task
    late = await journal.entry(3)
    assert late is not None
    assert [attempt.state for attempt in late.attempts] == [AttemptState.FAILED]


async def test_an_asker_interrupts(journal: Journal) -> None:
    """What is asked is cancelled, and that is no answer; Lee's message does nothing."""
    seat, agent = Listener(), Agent()
    await accepted(journal, said(number=1))
    await accepted(journal, said(number=2, author=LEE))
    meanwhile, task = await asking(journal, a_bot_that("interrupt"), seat, agent.asked())
    assert not task.done()
    await accepted(journal, said(number=3))
    meanwhile.look(LANE)
    assert await task is None
    assert agent.answer.cancelled()
    assert seat.added == []


@pytest.mark.parametrize("mode", ["queue", "collect", "reject"])
async def test_others_are_left_alone(journal: Journal, mode: str) -> None:
    """The running turn does not change."""
    seat, agent = Listener(), Agent()
    await three(journal)
    meanwhile, task = await asking(journal, a_bot_that(mode), seat, agent.asked())
    meanwhile.look(LANE)
    await quiet(journal)
    agent.answer.set_result(REPLY)
    assert await task is REPLY
    assert seat.added == []


async def test_a_stop_ends_both(journal: Journal) -> None:
    """Who waits for the answer is cancelled, and nobody watches any more."""
    agent = Agent()
    await three(journal)
    _, task = await asking(journal, a_bot_that("steer"), Listener(), agent.asked())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert agent.answer.cancelled()


# ---- refusals ----


class Burst(Clock):
    """A clock in whose first pauses more comes."""

    def __init__(self, journal: Journal, pauses: int) -> None:
        super().__init__()
        self._journal = journal
        self._pauses = pauses

    async def sleep(self, seconds: float) -> None:
        """Let time go by, in which Kim goes on."""
        await super().sleep(seconds)
        if len(self.slept) <= self._pauses:
            await self._journal.accept(said(number=100 + len(self.slept)), lane=LANE)


@pytest.mark.parametrize(("pauses", "counted"), [(0, 3), (4, 7), (99, 13)])
async def test_a_burst_is_counted_when_it_is_over(
    journal: Journal, pauses: int, counted: int
) -> None:
    """Nobody is told twice in a burst; one that does not end is told of all the same."""
    clock = Burst(journal, pauses)
    entry = await accepted(journal, said(number=1))
    await accepted(journal, said(number=2))
    await accepted(journal, said(number=3))
    burst = await Refusals(journal, sleep=clock.sleep).burst(entry)
    assert len(burst.messages) == counted
    assert set(clock.slept) == {PAUSE_S}


async def test_a_refusal_settles_what_it_is_about(journal: Journal) -> None:
    """What comes after it was counted has the next one."""
    entry = await accepted(journal, said(number=1))
    await accepted(journal, said(number=2))
    burst = await Refusals(journal, sleep=Clock().sleep).burst(entry)
    await accepted(journal, said(number=3, author=KIM))
    await journal.freeze(
        burst, (), kind=PartKind.REFUSAL, verdict=Outcome.TOLD, attempt=None, answer_text=None
    )
    await journal.settle(burst)
    tally = await journal.tally()
    assert (tally.told, tally.open, tally.balanced) == (2, 1, True)
