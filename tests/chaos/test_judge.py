"""The judge convicts for each thing that must never be, and acquits whoever did nothing."""

from typing import Any

import pytest

from tests.chaos.crafted import (
    asked,
    history,
    life,
    notice,
    poll,
    prompt,
    row,
    shown,
)
from tests.chaos.judge import judge
from tests.chaos.plan import Blow
from tests.chaos.records import Window

GOOD: list[tuple[str, dict[str, Any]]] = [
    ("nothing happened to it", {}),
    ("what was never acknowledged may be missing where there is no history", {
        "asked": (asked(0), asked(1), asked(2), asked(3, status=None)),
        "has_history": False,
    }),
    ("what was said in a room before the bot was heard there may be missing", {
        "asked": (asked(0), asked(1), asked(2), asked(3, status=None, at=99.0)),
    }),
    ("a start on a full disk ends with a sentence", {
        "full": (Window(begin=80.5, end=81.5),),
        "lives": (life(started=80.0, ended=81.0, ended_by=None, status=1, listening=None,
                       words=("the disk is full",)), life()),
    }),
    ("told with a sentence", {
        "rows": (row(0), row(1, state="told", notices=1), row(2)),
        "shown": (shown(0), notice(), shown(2)),
        "polls": (poll(accepted=3, answered=2, told=1),),
    }),
    ("shown twice, and marked", {
        "rows": (row(0), row(1, marked=1, spare=1), row(2)),
        "shown": (shown(0), shown(1), shown(2), shown(1, message_id=150)),
    }),
    ("a late message is overtaken before it was there", {
        "rows": (row(0), row(1, accepted_at=202.2, starts=(202.8,), settled_at=203.0), row(2)),
        "asked": (asked(0), asked(1, at=202.3), asked(2)),
        "shown": (shown(0), shown(1, message_id=103), shown(2)),
    }),
    ("told that it takes long", {
        "rows": (row(0), row(1, working=1), row(2)),
        "shown": (*map(shown, range(3)), notice(working=True)),
    }),
    ("acknowledged before and after the disk was full", {
        "full": (Window(begin=100.95, end=101.5), Window(begin=101.5, end=101.95)),
    }),
    ("a long answer in parts", {
        "asked": (asked(0, parts=2), asked(1), asked(2)),
        "shown": (shown(0), shown(0, message_id=101, part=1), shown(1, message_id=102),
                  shown(2, message_id=103)),
    }),
    ("dead, and its answer in the room", {
        "rows": (row(0), row(1, state="dead", reason="not sure"), row(2)),
        "polls": (poll(accepted=3, answered=2, dead=1),),
    }),
]  # fmt: skip

BAD: list[tuple[str, dict[str, Any]]] = [
    ("lost: question 1", {"shown": (shown(0), shown(2))}),
    ("never arrived, not caught up with: question 3", {
        "asked": (asked(0), asked(1), asked(2), asked(3, status=None)),
    }),
    ("lost: question 0", {"asked": (asked(0, parts=2), asked(1), asked(2))}),
    ("lost: room 7: 1 notices", {
        "rows": (row(0), row(1, state="told", notices=1), row(2)),
        "shown": (shown(0), shown(2)),
        "polls": (poll(accepted=3, answered=2, told=1),),
    }),
    ("acknowledged, not in the journal: question 2", {
        "rows": (row(0), row(1)), "polls": (poll(accepted=2, answered=2),),
    }),
    ("acknowledged while the disk was full: question 1", {
        "full": (Window(begin=100.5, end=101.5),),
    }),
    ("shown twice without a mark: question 1", {
        "shown": (shown(0), shown(1), shown(2), shown(1, message_id=150)),
    }),
    ("shown twice without a mark: question 1 (message 11): 2 shown again, 1 marked", {
        "rows": (row(0), row(1, marked=1, spare=1), row(2)),
        "shown": (*map(shown, range(3)), shown(1, message_id=150), shown(1, message_id=151)),
    }),
    ("notices shown too often: room 7", {"shown": (*map(shown, range(3)), notice())}),
    ("placeholders left behind: room 7: message 300", {
        "shown": (*map(shown, range(3)), notice(growing=True)),
    }),
    ("lost: question 1", {"shown": (shown(0), shown(1, growing=True), shown(2))}),
    ("said too often that it takes long: room 7: 2 times, 1 known", {
        "rows": (row(0), row(1, working=1), row(2)),
        "shown": (*map(shown, range(3)), notice(working=True), notice(301, working=True)),
    }),
    ("started out of order: lane campfire 7: 12 started before 11", {
        "rows": (row(0), row(1, settled_at=202.5), row(2)),
    }),
    ("started out of order", {"rows": (row(0), row(1, settled_at=None, state="open"), row(2)),
                              "polls": (poll(accepted=3, answered=2, open=1),)}),
    ("started out of order", {"rows": (row(0, settled_at=202.5, starts=(200.0, 202.2)),
                                       row(1, starts=(201.0,)), row(2, starts=(203.0,)))}),
    ("shown out of order: room 7: question 2 (message 12) before question 1", {
        "shown": (shown(0), shown(1, message_id=103), shown(2)),
    }),
    ("asked twice in one conversation: question 1 (1 prompts)", {
        "prompts": (prompt(0), prompt(1), prompt(2, repeated=(1,))),
    }),
    ("dead, not shown: message 11", {
        "rows": (row(0), row(1, state="dead", reason="gave up"), row(2)),
        "shown": (shown(0), shown(2)),
        "polls": (poll(accepted=3, answered=2, dead=1),),
    }),
    ("equation wrong: {", {
        "polls": (poll(accepted=3, answered=1), poll(accepted=3, answered=3)),
    }),
    ("equation wrong: went back: ['answered']", {
        "polls": (poll(accepted=3, answered=3), poll(accepted=3, answered=2, open=1),
                  poll(accepted=3, answered=3)),
    }),
    ("equation wrong: in the end", {"polls": (poll(accepted=4, answered=4),)}),
    ("equation wrong: it was never read", {"polls": ()}),
    ("server: start 0: 2 children outlived it", {"lives": (life(orphans=2),)}),
    ("server: start 0: 1 children were not waited for", {"lives": (life(zombies=1),)}),
    ("server: start 0: it ended by itself, with status 1", {
        "lives": (life(ended_by=None, status=1),),
    }),
    ("server: start 0: it ended by itself, with status 1", {
        "full": (Window(begin=80.5, end=81.5),),
        "lives": (life(started=80.0, ended=81.0, ended_by=None, status=1, listening=None,
                       words=("Traceback (most recent call last):", "OSError")),),
    }),
    ("server: start 0: it ended by itself, with status 1", {
        "full": (Window(begin=180.5, end=181.5),),
        "lives": (life(ended_by=None, status=1, words=("the disk is full",)),),
    }),
    ("server: start 0: it printed a traceback", {
        "lives": (life(words=("Traceback (most recent call last):", "OSError")),),
    }),
    ("server: start 0: it did not end when it was told to", {"lives": (life(hung=True),)}),
    ("server: start 0: it was told to end and did so with status 1", {
        "lives": (life(status=1),),
    }),
    ("not settled: 1 open", {"settled": False,
                             "rows": (row(0), row(1), row(2, state="open", settled_at=None)),
                             "shown": (shown(0), shown(1))}),
]  # fmt: skip


@pytest.mark.parametrize(("what", "changes"), GOOD, ids=[what for what, _ in GOOD])
def test_a_good_run_is_acquitted(what: str, changes: dict[str, Any]) -> None:
    """What may happen is no violation."""
    assert judge(history(**changes)).violations == (), what


@pytest.mark.parametrize(("what", "changes"), BAD, ids=[what for what, _ in BAD])
def test_a_bad_run_is_convicted(what: str, changes: dict[str, Any]) -> None:
    """Each thing that must never be is found and named."""
    violations = judge(history(**changes)).violations
    assert any(violation.startswith(what) for violation in violations), violations


def test_the_figures_tell_what_happened() -> None:
    """Repeats, refusals and second prompts are counted."""
    one = asked(3, status=503)
    verdict = judge(
        history(
            asked=(asked(0), asked(1), asked(2), one),
            rows=(row(0), row(1, marked=1, spare=1), row(2)),
            full=(Window(begin=102.5, end=103.5), Window(begin=200.0, end=300.0)),
            troubles={"disk full": 2},
            shown=(shown(0), shown(1), shown(2), shown(1, message_id=150)),
            prompts=(prompt(0), prompt(1), prompt(1), prompt(2)),
            blows={"kill": 2},
            has_history=False,
        )
    )
    wanted = {
        "messages": 4,
        "acknowledged": 3,
        "never acknowledged": 1,
        "  refused": 1,
        "  refused while the disk was full": 1,
        "  disk full": 2,
        "answered": 3,
        "duplicates shown": 1,
        "parts marked as possible duplicates": 1,
        "prompts for a question that had one before": 1,
        "  kill": 2,
    }
    assert {name: verdict.figures[name] for name in wanted} == wanted
    assert verdict.violations == ()


def test_a_start_is_timed_when_something_was_open() -> None:
    """From the start of the process to the first attempt and the first answer."""
    first = life(ended=201.6, ended_by=Blow.KILL, status=-9)
    second = life(started=201.7, listening=201.8)
    (recovery,) = judge(history(lives=(first, second))).recoveries
    assert recovery.ended_by == "kill"
    assert recovery.open == 1
    times = (recovery.listening_s, recovery.turn_s, recovery.answer_s)
    assert [round(time or 0, 3) for time in times] == [0.1, 0.3, 0.6]


def test_a_start_with_nothing_to_do_is_not_timed() -> None:
    """There was nothing that it could have been quick about."""
    first = life(ended=300.0, ended_by=Blow.KILL, status=-9)
    assert judge(history(lives=(first, life(started=301.0)))).recoveries == ()
