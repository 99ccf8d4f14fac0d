"""A turn that begins with the acceptance of its message."""

import anyio
import pytest

from bot.journal import Journal
from bot.journal.orders import Stop
from bot.records import Acceptance, AttemptState, Entry, Outcome, PartKind
from bot.records.prompts import Beginning
from tests.journal.engines import KIM, LANE, busy, said


def beginning(number: int = 1) -> Beginning:
    """Return how the turn of a message begins."""
    return Beginning(key=said(number=number).key, session_id="a-session", prompt_uuid="a-prompt")


async def begun(journal: Journal, number: int = 1) -> Entry:
    """Read the head of the lane, and begin the turn of a message if that is it."""
    head = await journal.beginnings.head(LANE, beginning(number))
    assert head is not None
    return head


async def states(journal: Journal, entry: Entry) -> list[AttemptState]:
    """Read how each attempt stands."""
    current = await journal.entry(entry.seq)
    assert current is not None
    return [attempt.state for attempt in current.attempts]


async def test_one_commit_records_a_message_and_its_attempt(journal: Journal) -> None:
    """What is asked for while the message is on its way lands with it; a kill finds both."""
    before = journal.statistics()
    async with busy(journal._writer):
        answer = journal.accept(said(), lane=LANE)
        await anyio.wait_all_tasks_blocked()
        look = journal.beginnings.head(LANE, beginning())
    head = await look
    assert answer.result() is Acceptance.NEW
    assert journal.statistics().commits - before.commits <= 1 + 1, "what kept it busy, and this"
    assert head is not None
    assert head.begun is not None
    assert (head.begun.session_id, head.begun.prompt_uuid) == ("a-session", "a-prompt")
    assert await states(journal, head) == [AttemptState.RUNNING]


async def test_a_message_that_is_not_recorded_begins_nothing(journal: Journal) -> None:
    """There is no head then."""
    assert await journal.beginnings.head(LANE, beginning()) is None


async def test_another_message_goes_first(journal: Journal) -> None:
    """It is the head, and nothing is known of how its turn would begin."""
    for number in (1, 2):
        await journal.accept(said(number=number), lane=LANE)
    head = await begun(journal, 2)
    assert (head.message.id, head.begun) == ("1", None)
    assert await states(journal, head) == []


async def test_what_was_tried_before_is_left_to_its_turn(journal: Journal) -> None:
    """That looks for what came of it first."""
    await journal.accept(said(), lane=LANE)
    first = await begun(journal)
    assert first.begun is not None
    again = await begun(journal)
    assert (again.begun, again.attempts) == (None, (first.begun,))
    assert await states(journal, first) == [AttemptState.RUNNING]


async def test_what_is_about_to_be_told_is_not_tried(journal: Journal) -> None:
    """Its reply was frozen before a crash; the platform delivers it again before it is posted."""
    await journal.accept(said(), lane=LANE)
    entry = await journal.head(LANE)
    assert entry is not None
    await journal.freeze(
        entry,
        ("<p>Hello.</p>",),
        kind=PartKind.NOTICE,
        verdict=Outcome.TOLD,
        attempt=None,
        answer_text=None,
    )
    head = await begun(journal)
    assert (head.begun, head.verdict) == (None, Outcome.TOLD)
    assert await states(journal, head) == []


async def test_a_stop_that_came_before_it_ends_it(journal: Journal) -> None:
    """The message is settled, and no prompt leaves for it."""
    stop = said("stop", number=9)
    await journal.orders.obey(stop, lane=f"!{LANE}/ada", order=Stop(author=KIM.id))
    await journal.accept(said(number=1), lane=LANE)
    head = await begun(journal)
    assert head.begun is None
    assert await journal.orders.outcome(head.seq) is Outcome.STOPPED


@pytest.mark.parametrize("session_id", ["a-session", "another"])
async def test_the_next_attempt_ends_one_that_was_not_used(
    journal: Journal, session_id: str
) -> None:
    """Its prompt has not left: it counts as one that failed."""
    await journal.accept(said(), lane=LANE)
    head = await begun(journal)
    await journal.start_attempt(head, session_id=session_id, prompt_uuid="the-next")
    assert await states(journal, head) == [AttemptState.FAILED, AttemptState.RUNNING]
