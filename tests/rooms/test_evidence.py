"""A message that brings the server down is found out; one that is killed with it is not."""

from collections.abc import Callable, Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.journal.views import LostLife, Trial, Trials
from bot.rooms.evidence import NOTHING, weigh

MOMENTS = st.floats(min_value=0.0, max_value=600.0)


def trials(*moments_s: float | None, suspects: Sequence[tuple[Trial, ...]] = ()) -> Trials:
    """Let the server end so long after the message began; None: while it did not run.

    *suspects* are those who ran then instead.
    """
    own = [Trial(life=life, lasted_s=at) for life, at in enumerate(moments_s, 1) if at is not None]
    lost = [
        LostLife(number=life, suspects=(tuple(own),) if at is not None else tuple(suspects))
        for life, at in enumerate(moments_s, 1)
    ]
    return Trials(of_message=tuple(own), lost=tuple(lost))


def another(*moments_s: float) -> tuple[Trial, ...]:
    """Return the trials of another message."""
    return tuple(Trial(life=100 + life, lasted_s=at) for life, at in enumerate(moments_s))


@given(moment=MOMENTS, late=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6))
def test_the_third_crash_at_the_same_point_is_the_last(moment: float, late: list[float]) -> None:
    """It is enough then, and not before; a second more or less is the same point."""
    ends = [moment + delay for delay in late]
    assert weigh(trials(*ends)).enough is (len(ends) >= 3)


@pytest.mark.parametrize(
    ("moments_s", "enough"),
    [
        ((0.0, 0.0, 0.0), True),
        ((0.0, 1.5, 0.7), True),
        ((0.0, 1.6, 0.7), False),
        ((30.0, 40.0, 35.0), True),
        ((29.0, 40.0, 35.0), False),
        ((3.0, 20.0, 20.0), False),
        ((3.0, 20.0, 20.0, 20.0), True),
        ((20.0, 20.0, 3.0, 20.0), False),
    ],
)
def test_the_last_three_are_compared(moments_s: tuple[float, ...], *, enough: bool) -> None:
    """By a second and a half, or by a quarter of the longest."""
    assert weigh(trials(*moments_s)).enough is enough


def test_ten_crashes_are_enough_whenever_they_come() -> None:
    """What crashes at another point each time is bounded, too."""
    moments_s = [3.0, 30.0] * 5
    assert [weigh(trials(*moments_s[:count])).enough for count in (9, 10)] == [False, True]


def test_an_end_from_outside_breaks_the_row() -> None:
    """It shows that the server ends without the message; then three more are needed."""
    for moments_s in ((5, 5, None, 5, 5), (5, 5, 5, None), (5, None, 5, 5)):
        assert not weigh(trials(*moments_s)).enough
    assert weigh(trials(5, 5, None, 5, 5, 5)).enough
    evidence = weigh(trials(5, 5, None, None, 5))
    assert (evidence.crashes, evidence.in_a_row, evidence.from_outside) == (3, 1, 2)


@pytest.mark.parametrize(
    ("suspect", "enough"),
    [(another(2.0), True), (another(2.0, 2.5), True), (another(2.0, 20.0), False)],
)
def test_what_another_one_does_is_not_from_outside(
    suspect: tuple[Trial, ...], *, enough: bool
) -> None:
    """Two that crash the server in turn do not cover each other up.

    Another one that was killed at any moment is no better an explanation than something outside.
    """
    assert weigh(trials(5, None, 5, None, 5, suspects=[suspect])).enough is enough


@given(st.lists(st.none() | MOMENTS, max_size=8))
def test_fewer_than_three_are_never_enough(ends: list[float | None]) -> None:
    """Whatever else happens, before and after."""
    evidence = weigh(trials(*ends))
    assert evidence.enough <= (evidence.in_a_row >= 3)
    assert evidence.in_a_row + ends.count(None) <= len(ends)


def test_the_calm_grows_with_the_crashes_and_their_length() -> None:
    """Whatever kills so often that the message is hit would have come during the wait."""
    assert NOTHING.calm_s == 0.0
    assert [weigh(trials(*[1.0] * count)).calm_s for count in (1, 2, 3)] == [10.0, 20.0, 30.0]
    assert weigh(trials(60.0, 5.0)).calm_s == 120.0


#: What waits for longer than that waits for the kills to end.
_MOST_KILLS = 40


def fate(length_s: float, kill: Callable[[], float]) -> bool:
    """Say whether a message of a turn so long is given up, while kills come ever so often.

    It has been hit twice beside others already. Each kill ends a life; the message begins when
    its calm is over, or is hit while it waits, which is an end from outside.
    """
    ends: list[float | None] = []
    while True:
        evidence = weigh(trials(*ends))
        if evidence.enough:
            return True
        lived_s = kill()
        ran_s = lived_s - evidence.calm_s
        if ran_s >= length_s:
            return False
        if ran_s >= 0 or evidence.crashes:
            ends.append(ran_s if ran_s >= 0 else None)
        if len(ends) == _MOST_KILLS:
            return False


KILLS: dict[str, Callable[[Random], float]] = {
    "exponential": lambda chance: chance.expovariate(1 / 18),
    "seldom": lambda chance: chance.expovariate(1 / 60),
    "one after the other": lambda chance: chance.expovariate(1 / 4),
    "uniform": lambda chance: chance.uniform(9, 27),
    "regular": lambda chance: 18 + chance.uniform(-0.5, 0.5),
}


@pytest.mark.parametrize("kills", KILLS)
def test_random_kills_condemn_nobody(kills: str) -> None:
    """Of messages that were hit twice, and are killed on and on, less than one in two hundred."""
    chance = Random(7)  # noqa: S311 - no secret
    condemned = sum(fate(chance.uniform(1, 30), lambda: KILLS[kills](chance)) for _ in range(2000))
    assert condemned <= 10
