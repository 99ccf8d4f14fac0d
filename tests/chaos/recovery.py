"""How quickly each start of the server took up what the one before it left. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from tests.chaos.records import History, Life


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovery:
    """How long a start took that found something open. Seconds; None: it never came to that."""

    ended_by: str
    open: int
    listening_s: float | None
    turn_s: float | None
    answer_s: float | None


def recoveries(history: History) -> Iterator[Recovery]:
    """Yield how each start took up what the one before it left."""
    for before, life in pairwise(history.lives):
        left = [
            row
            for row in history.rows
            if row.accepted_at < life.started
            and (row.settled_at is None or row.settled_at > life.started)
        ]
        if left:
            yield _recovery(history, before, life, len(left))


def _recovery(history: History, before: Life, life: Life, left: int) -> Recovery:
    starts = [start for row in history.rows for start in row.starts]
    answers = [shown.at for shown in history.shown]
    return Recovery(
        ended_by=str(before.ended_by),
        open=left,
        listening_s=None if life.listening is None else life.listening - life.started,
        turn_s=_first(starts, life),
        answer_s=_first(answers, life),
    )


def _first(moments: list[float], life: Life) -> float | None:
    """Return the first of *moments* in *life*, from its start."""
    first = min((moment for moment in moments if life.started < moment < life.ended), default=None)
    return None if first is None else first - life.started
