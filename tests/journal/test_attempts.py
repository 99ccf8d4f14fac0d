from uuid import uuid4

import pytest

from bot.errors import JournalError
from bot.journal import Journal
from bot.records import Attempt, AttemptState, Entry, Outcome, PartKind
from tests.journal.engines import LANE, NOON, Engine, said


async def head(journal: Journal) -> Entry:
    """Read the head of the lane, which must have one."""
    entry = await journal.head(LANE)
    assert entry is not None
    return entry


async def begin(journal: Journal, entry: Entry, *, alone: bool = False) -> Attempt | None:
    """Start an attempt with a fresh prompt."""
    return await journal.start_attempt(
        entry, session_id="s-1", prompt_uuid=str(uuid4()), alone=alone
    )


async def test_an_attempt_is_known_with_its_prompt(journal: Journal) -> None:
    """What a re-run needs to find an earlier answer is on disk."""
    await journal.accept(said(), lane=LANE)
    attempt = await journal.start_attempt(await head(journal), session_id="s", prompt_uuid="p")
    assert attempt is not None
    assert (attempt.number, attempt.session_id, attempt.prompt_uuid) == (1, "s", "p")
    assert (attempt.state, attempt.started_at) == (AttemptState.RUNNING, NOON)
    assert (await head(journal)).attempts == (attempt,)


async def test_attempts_are_numbered_and_keep_their_end(journal: Journal) -> None:
    """A second try is number two; the first says how it failed."""
    await journal.accept(said(), lane=LANE)
    first = await begin(journal, await head(journal))
    assert first is not None
    await journal.end_attempt(first, state=AttemptState.FAILED, error="overloaded")
    second = await begin(journal, await head(journal))
    assert second is not None
    states = [(attempt.number, attempt.state) for attempt in (await head(journal)).attempts]
    assert states == [(1, AttemptState.FAILED), (2, AttemptState.RUNNING)]


async def test_a_lower_message_that_came_meanwhile_goes_first(journal: Journal) -> None:
    """An entry that is no longer the head is not started."""
    await journal.accept(said(number=5), lane=LANE)
    late = await head(journal)
    await journal.accept(said(number=4), lane=LANE)
    assert await begin(journal, late) is None
    assert await begin(journal, await head(journal)) is not None


async def test_a_lower_message_elsewhere_does_not_matter(journal: Journal) -> None:
    """Lanes do not wait for each other."""
    await journal.accept(said(number=5), lane=LANE)
    await journal.accept(said(number=4), lane="another")
    assert await begin(journal, await head(journal)) is not None


async def test_a_settled_message_is_not_tried(journal: Journal) -> None:
    """A message that was stopped meanwhile is not started."""
    await journal.accept(said(), lane=LANE)
    entry = await head(journal)
    await journal.settle(entry, outcome=Outcome.STOPPED)
    assert await begin(journal, entry) is None


async def test_a_message_with_a_frozen_reply_is_not_tried(journal: Journal) -> None:
    """There is nothing to ask once the answer is fixed."""
    await journal.accept(said(), lane=LANE)
    entry = await head(journal)
    await journal.freeze(
        entry,
        ["Sorry."],
        kind=PartKind.NOTICE,
        verdict=Outcome.TOLD,
        attempt=None,
        answer_text=None,
    )
    assert await begin(journal, entry) is None


async def test_a_prompt_is_used_once(journal: Journal) -> None:
    """Two attempts of one uuid could not be told apart: the second is refused."""
    await journal.accept(said(), lane=LANE)
    await journal.start_attempt(await head(journal), session_id="s", prompt_uuid="p")
    with pytest.raises(JournalError, match="refused"):
        await journal.start_attempt(await head(journal), session_id="s", prompt_uuid="p")
    assert len((await head(journal)).attempts) == 1


async def test_an_attempt_without_a_recorded_end_gives_way(journal: Journal) -> None:
    """When recording the end failed, the next attempt can still be made; one runs at a time."""
    await journal.accept(said(), lane=LANE)
    await begin(journal, await head(journal))
    await begin(journal, await head(journal))
    states = [attempt.state for attempt in (await head(journal)).attempts]
    assert states == [AttemptState.FAILED, AttemptState.RUNNING]


async def test_a_start_takes_every_lane_and_interrupts_what_ran(engine: Engine) -> None:
    """After a restart the running attempts are known as interrupted, once."""
    async with engine.open(node="before") as journal:
        await journal.accept(said(), lane=LANE)
        await begin(journal, await head(journal))
    async with engine.open(node="after") as journal:
        assert await journal.take_rooms() == 1
        assert await journal.take_rooms() == 0
        (attempt,) = (await head(journal)).attempts
        assert attempt.state is AttemptState.INTERRUPTED


async def test_only_a_crash_while_alone_counts(journal: Journal) -> None:
    """Being interrupted beside others does not make a message suspicious."""
    await journal.accept(said(), lane=LANE)
    for alone in (False, True, True):
        await begin(journal, await head(journal), alone=alone)
        await journal.take_rooms()
    assert len((await journal.lives.trials((await head(journal)).seq)).of_message) == 2


async def test_the_prompts_of_open_messages_are_known_by_session(journal: Journal) -> None:
    """What a session was asked and still owes is found; what is settled or elsewhere is not."""
    await journal.accept(said(), lane=LANE)
    entry = await head(journal)
    await journal.start_attempt(entry, session_id="s-1", prompt_uuid="p-1")
    await journal.start_attempt(entry, session_id="s-2", prompt_uuid="p-2")
    assert (await journal.prompts("s-1")).owed == {"p-1"}
    await journal.settle(entry, outcome=Outcome.TOLD)
    assert (await journal.prompts("s-1")).owed == set()


async def test_the_last_answered_prompts_are_known_by_session(journal: Journal) -> None:
    """Newest first, and only those that the session's agent answered."""
    for number in (1, 2):
        await journal.accept(said(number=number), lane=LANE)
        entry = await head(journal)
        for state in ("failed", "answered"):
            attempt = await journal.start_attempt(
                entry, session_id="s-1", prompt_uuid=f"{state}-{number}"
            )
        (part,) = await journal.freeze(
            entry,
            ["Hi."],
            kind=PartKind.ANSWER,
            verdict=Outcome.ANSWERED,
            attempt=attempt,
            answer_text="Hi.",
        )
        await journal.settle(entry, last=part)
    prompts = await journal.prompts("s-1")
    assert prompts.answered == ("answered-2", "answered-1")
    assert prompts.in_vain == {"failed-1", "failed-2"}
    assert (await journal.prompts("s-2")).answered == ()


async def test_settling_leaves_no_attempt_running(journal: Journal) -> None:
    """A message that is stopped in the middle of its turn does not look like a crash later."""
    await journal.accept(said(), lane=LANE)
    entry = await head(journal)
    await begin(journal, entry)
    await journal.settle(entry, outcome=Outcome.STOPPED)
    assert await journal.take_rooms() == 0


async def test_what_was_answered_stays_answered(journal: Journal) -> None:
    """A late failure does not overwrite the end of an attempt that was answered."""
    await journal.accept(said(), lane=LANE)
    entry = await head(journal)
    attempt = await begin(journal, entry)
    assert attempt is not None
    await journal.freeze(
        entry,
        ["Hi."],
        kind=PartKind.ANSWER,
        verdict=Outcome.ANSWERED,
        attempt=attempt,
        answer_text="Hi.",
    )
    await journal.end_attempt(attempt, state=AttemptState.FAILED, error="late")
    assert (await head(journal)).attempts[0].state is AttemptState.ANSWERED
