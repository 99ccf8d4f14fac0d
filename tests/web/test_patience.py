import asyncio

import pytest

from bot.errors import NotRecorded
from bot.records import Acceptance
from bot.web.patience import Patience

Answer = asyncio.Future[Acceptance]


def answer() -> Answer:
    """Promise something."""
    return asyncio.get_running_loop().create_future()


async def test_what_comes_in_time_comes() -> None:
    """An answer that is not late is passed on as it is."""
    coming = answer()
    waiting = Patience(60).limit(coming)
    coming.set_result(Acceptance.NEW)
    assert await waiting is Acceptance.NEW


async def test_each_that_is_late_is_given_up() -> None:
    """One timer serves those who came before it was set and those who came later."""
    patience = Patience(0.01)
    first = patience.limit(answer())
    with pytest.raises(NotRecorded, match=r"not on disk within 0.01 s"):
        await first
    done, late = answer(), answer()
    done.set_result(Acceptance.NEW)
    for one in (done, late):
        patience.limit(one)
    with pytest.raises(NotRecorded):
        await late
    assert await done is Acceptance.NEW


async def test_who_was_cancelled_is_left_alone() -> None:
    """A caller that has gone is not given up on again."""
    patience = Patience(0)
    gone, late = answer(), answer()
    for one in (gone, late):
        patience.limit(one)
    gone.cancel()
    with pytest.raises(NotRecorded):
        await late
    assert gone.cancelled()


async def test_nothing_is_kept_of_those_who_have_their_answer() -> None:
    """The next one to come clears away who is done."""
    patience = Patience(60)
    for _ in range(10):
        patience.limit(answer()).set_result(Acceptance.NEW)
    patience.limit(answer())
    assert len(patience._waiting) == 1
