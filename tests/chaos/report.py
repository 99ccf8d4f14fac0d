"""What a person reads after a run. Pure."""

from collections.abc import Iterator
from statistics import median

from tests.chaos.judge import Verdict
from tests.chaos.plan import Plan
from tests.chaos.records import History
from tests.chaos.recovery import Recovery

#: Violations that are shown; the rest is counted.
_MOST = 60


def render(plan: Plan, history: History, verdict: Verdict) -> str:
    """Return the whole report."""
    return "\n".join(_lines(plan, history, verdict)) + "\n"


def _lines(plan: Plan, history: History, verdict: Verdict) -> Iterator[str]:
    yield f"seed {plan.seed}, {plan.seconds:g} s, {plan.rooms} rooms"
    yield from (f"{name:46} {value:>8}" for name, value in verdict.figures.items())
    yield ""
    yield from _recoveries(verdict.recoveries)
    if history.logged:
        yield "what the server logged as a warning or worse:"
        yield from (f"{count:8}  {event}" for event, count in history.logged.items())
        yield ""
    violations = verdict.violations
    yield f"{len(violations)} violations" if violations else "no violations"
    yield from (f"  {violation}" for violation in violations[:_MOST])
    if len(violations) > _MOST:
        yield f"  and {len(violations) - _MOST} more"


def _recoveries(recoveries: tuple[Recovery, ...]) -> Iterator[str]:
    if not recoveries:
        return
    yield "starts that found something open; seconds from the start of the process"
    yield f"{'ended by':>12} {'open':>6} {'listening':>10} {'first turn':>11} {'first answer':>13}"
    for one in recoveries:
        times = (one.listening_s, one.turn_s, one.answer_s)
        shown = [f"{'-' if value is None else f'{value:.2f}'}" for value in times]
        yield f"{one.ended_by:>12} {one.open:>6} {shown[0]:>10} {shown[1]:>11} {shown[2]:>13}"
    yield _medians(recoveries)
    yield ""


def _medians(recoveries: tuple[Recovery, ...]) -> str:
    turns = [one.turn_s for one in recoveries if one.turn_s is not None]
    answers = [one.answer_s for one in recoveries if one.answer_s is not None]
    if not turns or not answers:
        return "nothing was started"
    return (
        f"first turn: median {median(turns):.2f}, at most {max(turns):.2f};"
        f" first answer: median {median(answers):.2f}, at most {max(answers):.2f}"
    )
