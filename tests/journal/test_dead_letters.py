import pytest

from bot.journal import DeadLetter, Journal
from bot.records import Attempt, AttemptState, Entry, Outcome, Part, PartKind, PartState
from tests.journal.engines import LANE, NOON, Clock, said


@pytest.fixture
async def entry(journal: Journal) -> Entry:
    """Give the one open message of the lane."""
    await journal.accept(said(), lane=LANE)
    return await head(journal)


async def head(journal: Journal) -> Entry:
    """Return the next open message, which there must be."""
    found = await journal.head(LANE)
    assert found is not None
    return found


async def letter(journal: Journal, entry: Entry) -> DeadLetter:
    """Return a dead letter, which it must be."""
    found = await journal.letters.read(entry.seq)
    assert found is not None
    return found


async def freeze(
    journal: Journal,
    entry: Entry,
    *htmls: str,
    attempt: Attempt | None = None,
    kind: PartKind = PartKind.ANSWER,
    verdict: Outcome = Outcome.ANSWERED,
) -> tuple[Part, ...]:
    """Fix a reply, which is an answer unless the test says otherwise."""
    return await journal.freeze(
        entry, htmls, kind=kind, verdict=verdict, attempt=attempt, answer_text="Much."
    )


async def apologise(journal: Journal, entry: Entry) -> None:
    """Do what the lanes do after a bug: tell the room, and keep the traceback."""
    (part,) = (
        part
        for part in await freeze(
            journal, entry, "Sorry.", kind=PartKind.NOTICE, verdict=Outcome.DEAD
        )
        if part.state is PartState.SENDING
    )
    assert await journal.settle(entry, reason="Traceback …", last=part, remote_id="100")


def states(entry: Entry) -> list[tuple[str, PartState]]:
    """Return what is said, and how far each part has come."""
    return [(part.html, part.state) for part in entry.parts]


async def test_a_refused_answer_is_posted_after_all(journal: Journal, entry: Entry) -> None:
    """What stands in the room stays, the rest is sent, the history gets it: nobody is asked."""
    attempt = await journal.start_attempt(entry, session_id="s", prompt_uuid="p")
    first, second, _ = await freeze(journal, entry, "One.", "Two.", "Three.", attempt=attempt)
    await journal.mark_posted(first, remote_id="100")
    second = await journal.mark_sending(second)
    await journal.retry_part(second, not_before=NOON.timestamp() + 60, error="503")
    await journal.mark_sending(second)
    await journal.kill_part(second, error="302")
    await journal.settle(entry, outcome=Outcome.DEAD, reason="302")
    assert (await letter(journal, entry)).has_answer

    assert await journal.letters.retry(entry.seq)
    again = await head(journal)
    assert again.verdict is Outcome.ANSWERED
    posted, queued, other = again.parts
    assert states(again) == [
        ("One.", PartState.POSTED),
        ("Two.", PartState.QUEUED),
        ("Three.", PartState.QUEUED),
    ]
    assert (posted.remote_id, queued.tries, queued.not_before, queued.error) == ("100", 0, 0, None)
    assert not queued.possible_duplicate
    assert await journal.start_attempt(again, session_id="s", prompt_uuid="q") is None
    await journal.mark_posted(await journal.mark_sending(queued), remote_id="101")
    assert await journal.settle(again, last=await journal.mark_sending(other), remote_id="102")
    (exchange,) = await journal.dialogues.recent(
        platform="campfire", bot="ada", room="42", user=None, limit=9
    )
    assert exchange.answer == "Much."


async def test_a_part_that_may_be_in_the_room_is_not_queued(journal: Journal, entry: Entry) -> None:
    """A bug while it was sent leaves that unknown: it is looked for, or marked as repeated."""
    await freeze(journal, entry, "One.", "Two.")
    await journal.settle(entry, outcome=Outcome.DEAD, reason="Traceback …")
    await journal.letters.retry(entry.seq)
    assert states(await head(journal)) == [("One.", PartState.SENDING), ("Two.", PartState.QUEUED)]


async def test_a_part_that_was_not_found_out_about(journal: Journal, entry: Entry) -> None:
    """Given up while nobody could tell whether it had arrived: that is still to be found out."""
    (part,) = await freeze(journal, entry, "One.")
    await journal.kill_part(part, error="the room cannot be read", uncertain=True)
    await journal.settle(entry, outcome=Outcome.DEAD, reason="the room cannot be read")
    await journal.letters.retry(entry.seq)
    assert states(await head(journal)) == [("One.", PartState.SENDING)]


async def test_a_marked_part_keeps_its_mark(journal: Journal, entry: Entry) -> None:
    """It may stand in the room already; an operator who wants it sent again gets that."""
    (part,) = await freeze(journal, entry, "One.")
    await journal.mark_repeat(part)
    await journal.kill_part(part, error="no answer")
    await journal.settle(entry, outcome=Outcome.DEAD, reason="no answer")
    await journal.letters.retry(entry.seq)
    (part,) = (await head(journal)).parts
    assert (part.state, part.possible_duplicate, part.tries) == (PartState.QUEUED, True, 0)


async def test_what_was_only_told_is_asked_again(journal: Journal, entry: Entry) -> None:
    """The notice stays in the room, and the answer comes after it; also when that fails again."""
    attempt = await journal.start_attempt(entry, session_id="s", prompt_uuid="p")
    assert attempt is not None
    await apologise(journal, entry)
    assert not (await letter(journal, entry)).has_answer
    for failures in (2, 3):
        assert await journal.letters.retry(entry.seq)
        again = await head(journal)
        assert again.verdict is None
        await apologise(journal, again)
        parts = (await letter(journal, entry)).entry.parts
        assert [part.number for part in parts] == list(range(failures))
    await journal.letters.retry(entry.seq)

    again = await head(journal)
    assert [(one.prompt_uuid, one.state) for one in again.attempts] == [("p", AttemptState.FAILED)]
    attempt = await journal.start_attempt(again, session_id="s", prompt_uuid="q")
    assert attempt is not None
    parts = await freeze(journal, again, "One.", "Two.", attempt=attempt)
    assert [part.state for part in parts] == [PartState.POSTED] * 3 + [
        PartState.SENDING,
        PartState.QUEUED,
    ]
    await journal.mark_posted(parts[3], remote_id="200")
    assert await journal.settle(again, last=await journal.mark_sending(parts[4]), remote_id="201")
    assert (await journal.tally()).answered == 1


async def test_a_notice_that_did_not_arrive_is_forgotten(journal: Journal, entry: Entry) -> None:
    """It would only say that something failed which is now tried again."""
    (part,) = await freeze(journal, entry, "Sorry.", kind=PartKind.NOTICE, verdict=Outcome.TOLD)
    await journal.kill_part(part, error="302")
    await journal.settle(entry, outcome=Outcome.DEAD, reason="302")
    await journal.letters.retry(entry.seq)
    again = await head(journal)
    assert (again.verdict, again.parts) == (None, ())


async def test_crashes_count_from_none_again(journal: Journal, entry: Entry) -> None:
    """Else a message that crashed three times would be given up before it is tried."""
    for number in range(3):
        uuid = f"p-{number}"
        await journal.start_attempt(entry, session_id="s", prompt_uuid=uuid, alone=True)
        await journal.take_rooms()
    assert len((await journal.lives.trials(entry.seq)).of_message) == 3
    await journal.settle(entry, outcome=Outcome.DEAD, reason="crashed")
    await journal.letters.retry(entry.seq)
    assert len((await journal.lives.trials(entry.seq)).of_message) == 0
    assert len((await head(journal)).attempts) == 3


async def test_a_retry_moves_it_from_dead_to_open(journal: Journal, entry: Entry) -> None:
    """The equation holds on the way there, and on the way to the new end."""
    await journal.settle(entry, outcome=Outcome.DEAD, reason="302")
    assert await journal.letters.retry(entry.seq)
    tally = await journal.tally()
    assert (tally.accepted, tally.dead, tally.open, tally.balanced) == (1, 0, 1, True)
    assert await journal.letters.read(entry.seq) is None
    assert await journal.open_lanes() == (LANE,)
    await journal.settle(entry, outcome=Outcome.TOLD)
    tally = await journal.tally()
    assert (tally.dead, tally.told, tally.open, tally.balanced) == (0, 1, 0, True)


async def test_a_dropped_one_leaves_the_list(journal: Journal, entry: Entry, clock: Clock) -> None:
    """It stays counted as dead, can be read, and even be retried."""
    await journal.settle(entry, outcome=Outcome.DEAD, reason="302")
    assert (await letter(journal, entry)).dropped_at is None
    assert await journal.letters.drop(entry.seq)
    clock.pass_(9)
    assert await journal.letters.drop(entry.seq)
    assert await journal.letters.listed() == ()
    assert (await letter(journal, entry)).dropped_at == NOON
    assert (await journal.tally()).dead == 1
    assert await journal.letters.retry(entry.seq)
    await journal.settle(entry, outcome=Outcome.DEAD, reason="again")
    assert [one.reason for one in await journal.letters.listed()] == ["again"]


@pytest.mark.parametrize("outcome", [None, *(one for one in Outcome if one is not Outcome.DEAD)])
async def test_other_messages_are_left_alone(
    journal: Journal, entry: Entry, outcome: Outcome | None
) -> None:
    """Neither an open message nor one with another end is a dead letter."""
    if outcome is not None:
        await journal.settle(entry, outcome=outcome)
    before = await journal.tally()
    for seq in (entry.seq, entry.seq + 1):
        assert await journal.letters.read(seq) is None
        assert not await journal.letters.retry(seq)
        assert not await journal.letters.drop(seq)
    assert await journal.tally() == before
