"""A plan is what its seed says, and as much as was asked for."""

from tests.chaos.plan import Blow, Plan, Trouble, make_plan


def plan(seed: int) -> Plan:
    """Return the plan of a long run."""
    return make_plan(seed=seed, seconds=300, rooms=50, messages=2000, kills=20)


def test_a_seed_decides_everything() -> None:
    """The same seed makes the same plan, another one another."""
    assert plan(7) == plan(7)
    assert plan(7) != plan(8)


def test_a_plan_holds_what_was_asked_for() -> None:
    """So many messages, kills and rooms, other blows on top, and all within the time."""
    made = plan(7)
    assert len({question.number for question in made.questions}) == 2000
    assert {question.room for question in made.questions} == set(range(50))
    assert sum(strike.blow is Blow.KILL for strike in made.strikes) == 20
    assert {strike.blow for strike in made.strikes} == set(Blow)
    for listed in (made.questions, made.strikes, made.failings):
        assert all(0 <= one.at_s <= made.seconds for one in listed)


def test_a_plan_has_late_repeated_and_long_messages() -> None:
    """Some are overtaken, some delivered twice at the same moment, some answered in parts."""
    questions = plan(7).questions
    assert any(question.deliveries[0] > 0 for question in questions)
    assert any(len(set(q.deliveries)) < len(q.deliveries) for q in questions)
    assert any("[drip" in question.text for question in questions)
    assert any(len(question.marks) > 1 and len(question.text) > 18_000 for question in questions)


def test_every_run_has_a_full_disk() -> None:
    """However short it is, and a start that meets one; a long one has all sorts of trouble."""
    short = make_plan(seed=5, seconds=12, rooms=12, messages=90, kills=3)
    assert any(strike.full_s for strike in short.strikes)
    assert any(failing.trouble is Trouble.DISK_FULL for failing in short.failings)
    assert {failing.trouble for failing in plan(7).failings} == set(Trouble)


def test_everything_happens_in_order() -> None:
    """Whoever follows a plan may wait for one moment after the other."""
    made = plan(7)
    for listed in (made.questions, made.strikes, made.failings):
        moments = [one.at_s for one in listed]
        assert moments == sorted(moments)
