"""What a session is told that cannot remember."""

from dataclasses import dataclass, replace

import pytest
from structlog.testing import capture_logs

from bot.journal import Journal
from bot.records import Entry, Outcome, PartKind, SessionKey
from bot.rooms.recap import RECAP_TOKENS, affordable, find_recap, write_recap
from bot.rooms.tokens import tokens_of
from bot.sessions.statistics import Warmth
from tests.rooms.people import Clock, a_bot, accepted, said
from tests.rooms.test_prompt import exchanged

KEY = SessionKey(room="42", bot="ada")


@dataclass
class FakeSeat:
    """A seat in a session that knows so much."""

    path: Warmth = Warmth.COLD
    unheard: int = 0
    recapped: bool = False


async def converse(journal: Journal, number: int, *, off_record: bool = False) -> None:
    """Have a question answered."""
    message = said(f"question {number}", number=number, off_record=off_record)
    entry = await accepted(journal, message)
    (part,) = await journal.freeze(
        entry,
        ["x"],
        kind=PartKind.ANSWER,
        verdict=Outcome.ANSWERED,
        attempt=None,
        answer_text=f"answer {number}",
    )
    await journal.settle(entry, last=part, remote_id=str(100 + number))


async def recapped(
    journal: Journal, entry: Entry, seat: FakeSeat, *, recap_expired: bool = False
) -> tuple[list[str], list[str]]:
    """Return the questions that are recapped, and what was logged as the reason."""
    bot = a_bot()
    bot = replace(bot, session=replace(bot.session, recap_expired=recap_expired))
    with capture_logs() as logs:
        turns = await find_recap(journal.dialogues, entry, bot, KEY, seat)
    assert seat.recapped == bool(turns)
    return [turn.question for turn in turns], [line["why"] for line in logs]


@pytest.mark.parametrize(
    ("recap_expired", "expected"), [(True, (["question 1"], ["expired"])), (False, ([], []))]
)
async def test_an_expired_session_is_recapped_if_its_bot_says_so(
    journal: Journal, clock: Clock, *, recap_expired: bool, expected: tuple[list[str], list[str]]
) -> None:
    """Else it was meant to be forgotten."""
    await converse(journal, 1)
    await clock.sleep(3601)
    entry = await accepted(journal, said(number=2))
    assert await recapped(journal, entry, FakeSeat(), recap_expired=recap_expired) == expected


async def test_a_lost_session_is_recapped(journal: Journal) -> None:
    """Without what was off the record."""
    await converse(journal, 1)
    await converse(journal, 2, off_record=True)
    await converse(journal, 3)
    entry = await accepted(journal, said(number=4))
    assert await recapped(journal, entry, FakeSeat()) == (["question 1", "question 3"], ["lost"])


async def test_what_a_child_did_not_write_down_is_recapped(journal: Journal) -> None:
    """So many of the last turns, and no others."""
    for number in (1, 2, 3):
        await converse(journal, number)
    entry = await accepted(journal, said(number=4))
    seat = FakeSeat(path=Warmth.WARM, unheard=1)
    assert await recapped(journal, entry, seat) == (["question 3"], ["unheard"])


async def test_off_the_record_nothing_is_recapped(journal: Journal) -> None:
    """It has no session, and so none that was lost."""
    await converse(journal, 1)
    entry = await accepted(journal, said(number=2, off_record=True))
    assert await recapped(journal, entry, FakeSeat()) == ([], [])


def test_a_recap_is_what_its_tokens_pay_for() -> None:
    """The newest turns, oldest first; one at least."""
    turns = [exchanged(f"question {number}", "茶" * 1000) for number in range(20)]
    told = affordable(turns)
    assert 5 < len(told) < 12
    assert told == tuple(turns[-len(told) :])
    assert tokens_of(write_recap(told)) < RECAP_TOKENS + 200
    assert affordable(turns, 1) == tuple(turns[-1:])
