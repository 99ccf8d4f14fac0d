import asyncio
from dataclasses import replace

import pytest

from bot.journal import Journal
from bot.records import Attempt, AttemptState, Entry, Outcome, Part, PartKind, PartState
from tests.journal.engines import LANE, NOON, said


@pytest.fixture
async def entry(journal: Journal) -> Entry:
    """Give the one open message of the lane."""
    await journal.accept(said(), lane=LANE)
    found = await journal.head(LANE)
    assert found is not None
    return found


async def answer(journal: Journal, entry: Entry, *htmls: str) -> tuple[Part, ...]:
    """Ask and freeze the answer."""
    attempt = await journal.start_attempt(entry, session_id="s", prompt_uuid=f"p-{entry.seq}")
    return await frozen(journal, entry, attempt, *htmls)


async def frozen(
    journal: Journal, entry: Entry, attempt: Attempt | None, *htmls: str
) -> tuple[Part, ...]:
    """Freeze an answer."""
    return await journal.freeze(
        entry,
        htmls,
        kind=PartKind.ANSWER,
        verdict=Outcome.ANSWERED,
        attempt=attempt,
        answer_text=" ".join(htmls),
    )


async def test_a_frozen_reply_may_leave_at_once(journal: Journal, entry: Entry) -> None:
    """Its first part is sending already, the others wait; the attempt is answered."""
    first, second = await answer(journal, entry, "One.", "Two.")
    assert (first.number, first.html, first.state) == (0, "One.", PartState.SENDING)
    assert (second.number, second.html, second.state) == (1, "Two.", PartState.QUEUED)
    again = await journal.head(LANE)
    assert again is not None
    assert (again.verdict, again.parts) == (Outcome.ANSWERED, (first, second))
    assert again.attempts[0].state is AttemptState.ANSWERED


async def test_a_reply_is_frozen_once(journal: Journal, entry: Entry) -> None:
    """A second reply, whatever its kind, is refused for the first."""
    parts = await answer(journal, entry, "One.")
    other = await journal.freeze(
        entry,
        ["Sorry.", "Really."],
        kind=PartKind.NOTICE,
        verdict=Outcome.TOLD,
        attempt=None,
        answer_text=None,
    )
    assert other == parts
    again = await journal.head(LANE)
    assert again is not None
    assert again.verdict is Outcome.ANSWERED


async def test_a_settled_message_takes_no_reply(journal: Journal, entry: Entry) -> None:
    """An answer that comes after a stop goes nowhere."""
    await journal.settle(entry, outcome=Outcome.STOPPED)
    assert await answer(journal, entry, "Too late.") == ()


async def test_a_reply_is_taken_back(journal: Journal, entry: Entry) -> None:
    """The message is as before it: open, its attempt running; another reply may come."""
    attempt = await journal.start_attempt(entry, session_id="s", prompt_uuid="p")
    assert attempt is not None
    before = await journal.entry(entry.seq)
    heard = replace(attempt, heard=7)
    assert len(await frozen(journal, entry, heard, "One.", "Two.")) == 2
    await journal.thaw(entry, heard)
    assert await journal.entry(entry.seq) == before
    (other,) = await frozen(journal, entry, heard, "Three.")
    assert (other.number, other.html, other.state) == (0, "Three.", PartState.SENDING)
    again = await journal.entry(entry.seq)
    assert again is not None
    assert again.parts == (other,)
    assert (again.attempts[0].state, again.attempts[0].heard) == (AttemptState.ANSWERED, 7)
    await journal.settle(entry, last=other, remote_id="101")
    tally = await journal.tally()
    assert (tally.answered, tally.balanced) == (1, True)


async def test_only_what_has_not_ended_is_taken_back(journal: Journal, entry: Entry) -> None:
    """A message that was stopped meanwhile stays stopped."""
    await answer(journal, entry, "One.")
    await journal.settle(entry, outcome=Outcome.STOPPED)
    settled = await journal.entry(entry.seq)
    assert settled is not None
    await journal.thaw(entry, settled.attempts[0])
    again = await journal.entry(entry.seq)
    assert again is not None
    assert again.attempts[0].state is AttemptState.STOPPED
    assert replace(again, attempts=settled.attempts) == settled


async def test_in_a_server_that_is_being_stopped(journal: Journal, entry: Entry) -> None:
    """The attempt whose reply is taken back is excused like the others: nothing crashed it."""
    await journal.take_rooms()
    await answer(journal, entry, "One.")
    answered = await journal.entry(entry.seq)
    assert answered is not None
    await journal.excuse_running()
    await journal.thaw(entry, answered.attempts[0])
    again = await journal.entry(entry.seq)
    assert again is not None
    assert [attempt.state for attempt in again.attempts] == [AttemptState.CUT_OFF]


async def test_a_message_that_has_ended_has_no_reply(journal: Journal, entry: Entry) -> None:
    """What was frozen for it before is nothing that may leave."""
    await answer(journal, entry, "One.")
    await journal.settle(entry, outcome=Outcome.STOPPED)
    assert await frozen(journal, entry, None, "Two.") == ()


async def test_what_was_not_frozen_is_not_taken_back(journal: Journal, entry: Entry) -> None:
    """An attempt that runs goes on."""
    attempt = await journal.start_attempt(entry, session_id="s", prompt_uuid="p")
    assert attempt is not None
    before = await journal.entry(entry.seq)
    await journal.thaw(entry, attempt)
    assert await journal.entry(entry.seq) == before


async def test_a_notice_leaves_the_attempt_as_it_ended(journal: Journal, entry: Entry) -> None:
    """Telling the room that a turn failed does not make the attempt answered."""
    attempt = await journal.start_attempt(entry, session_id="s", prompt_uuid="p")
    assert attempt is not None
    await journal.end_attempt(attempt, state=AttemptState.FAILED, error="overloaded")
    await journal.freeze(
        entry,
        ["Sorry."],
        kind=PartKind.NOTICE,
        verdict=Outcome.TOLD,
        attempt=attempt,
        answer_text=None,
    )
    again = await journal.entry(entry.seq)
    assert again is not None
    assert again.attempts[0].state is AttemptState.FAILED


async def test_a_part_goes_its_way(journal: Journal, entry: Entry) -> None:
    """From queued to sending to posted, with the platform's id in the end."""
    first, second = await answer(journal, entry, "One.", "Two.")
    await journal.mark_posted(first, remote_id="100")
    sending = await journal.mark_sending(second)
    assert (sending.seq, sending.state) == (second.seq, PartState.SENDING)
    await journal.mark_posted(sending, remote_id=None)
    again = await journal.entry(entry.seq)
    assert again is not None
    assert [(part.state, part.remote_id) for part in again.parts] == [
        (PartState.POSTED, "100"),
        (PartState.POSTED, None),
    ]


async def test_a_failed_try_is_counted_and_put_back(journal: Journal, entry: Entry) -> None:
    """A part that did not arrive waits for its time, and says why."""
    (part,) = await answer(journal, entry, "One.")
    due = NOON.timestamp() + 4
    back = await journal.retry_part(part, not_before=due, error="503")
    assert (back.state, back.tries, back.not_before) == (PartState.QUEUED, 1, due)
    assert back.error == "503"
    assert (await journal.mark_sending(back)).tries == 1


async def test_a_repeat_is_marked(journal: Journal, entry: Entry) -> None:
    """A part that may stand in the room already is known as a possible duplicate."""
    (part,) = await answer(journal, entry, "One.")
    repeated = await journal.mark_repeat(part)
    assert repeated.possible_duplicate
    assert (repeated.state, repeated.tries) == (PartState.SENDING, 1)


async def test_what_is_posted_is_known_by_its_id(journal: Journal, entry: Entry) -> None:
    """Of a room's messages, those that are parts of ours on that platform."""
    first, _ = await answer(journal, entry, "One.", "Two.")
    await journal.mark_posted(first, remote_id="100")
    assert await journal.posted_ids(platform="campfire", ids=["99", "100"]) == {"100"}
    assert await journal.posted_ids(platform="campfire", ids=[]) == set()
    assert await journal.posted_ids(platform="another", ids=["100"]) == set()


async def test_a_part_says_when_it_left(journal: Journal, entry: Entry) -> None:
    """Each try anew; who has not left says nothing."""
    first, second = await answer(journal, entry, "One.", "Two.")
    assert (first.sent_at, second.sent_at) == (NOON.timestamp(), None)
    back = await journal.retry_part(first, not_before=0, error="503")
    assert back.sent_at is None
    assert (await journal.mark_sending(back)).sent_at == NOON.timestamp()


async def test_a_posted_part_never_goes_back(journal: Journal, entry: Entry) -> None:
    """Neither a late failure nor a second id changes what stands in the room."""
    (part,) = await answer(journal, entry, "One.")
    await journal.mark_posted(part, remote_id="100")
    await journal.mark_posted(part, remote_id="200")
    for late in (
        await journal.retry_part(part, not_before=0, error="late"),
        await journal.mark_sending(part),
        await journal.mark_repeat(part),
        await journal.kill_part(part, error="late"),
    ):
        assert (late.state, late.remote_id, late.error) == (PartState.POSTED, "100", None)


async def test_a_dead_part_is_not_sent(journal: Journal, entry: Entry) -> None:
    """What was given up does not come back as sending."""
    (part,) = await answer(journal, entry, "One.")
    dead = await journal.kill_part(part, error="403")
    assert (dead.state, dead.error) == (PartState.DEAD, "403")
    assert (await journal.mark_sending(part)).state is PartState.DEAD


async def test_settling_by_verdict_posts_the_last_part(journal: Journal, entry: Entry) -> None:
    """One commit records the last post and the end, counts it and keeps the exchange."""
    (part,) = await answer(journal, entry, "Much.")
    assert await journal.settle(entry, last=part, remote_id="100") is True
    again = await journal.entry(entry.seq)
    assert again is not None
    assert (again.parts[0].state, again.parts[0].remote_id) == (PartState.POSTED, "100")
    tally = await journal.tally()
    assert (tally.answered, tally.open, tally.balanced) == (1, 0, True)
    (exchange,) = await journal.dialogues.recent(
        platform="campfire", bot="ada", room="42", user=None, limit=9
    )
    assert (exchange.question, exchange.answer) == ("What is new?", "Much.")


async def test_a_message_is_settled_once(journal: Journal, entry: Entry) -> None:
    """The second end is a no-op, in the counters and in the history too."""
    (part,) = await answer(journal, entry, "Much.")
    ends = [journal.settle(entry, last=part, remote_id="1") for _ in range(3)]
    ends.append(journal.settle(entry, outcome=Outcome.DEAD))
    assert await asyncio.gather(*ends) == [True, False, False, False]
    tally = await journal.tally()
    assert (tally.answered, tally.dead, tally.balanced) == (1, 0, True)


async def test_an_outcome_gives_up_what_has_not_left(journal: Journal, entry: Entry) -> None:
    """Stopping between two parts keeps the posted one and drops the rest."""
    first, second = await answer(journal, entry, "One.", "Two.")
    await journal.mark_posted(first, remote_id="100")
    await journal.settle(entry, outcome=Outcome.STOPPED)
    assert (await journal.mark_sending(second)).state is PartState.DEAD
    again = await journal.entry(entry.seq)
    assert again is not None
    assert again.parts[0].state is PartState.POSTED


async def test_settling_by_verdict_too_early_is_a_bug(journal: Journal, entry: Entry) -> None:
    """Neither a message without a verdict nor one with unposted parts ends by it."""
    with pytest.raises(ValueError, match="no verdict"):
        await journal.settle(entry)
    first, _ = await answer(journal, entry, "One.", "Two.")
    with pytest.raises(ValueError, match="not posted"):
        await journal.settle(entry, last=first, remote_id="100")
    again = await journal.head(LANE)
    assert again is not None
    assert again.parts[0].state is PartState.SENDING


@pytest.mark.parametrize("outcome", list(Outcome))
async def test_every_outcome_is_counted(journal: Journal, entry: Entry, outcome: Outcome) -> None:
    """Each way to end moves one message from open to its own counter."""
    await journal.settle(entry, outcome=outcome)
    tally = await journal.tally()
    assert getattr(tally, outcome.value) == 1
    assert (tally.accepted, tally.open, tally.balanced) == (1, 0, True)
