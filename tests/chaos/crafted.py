"""Histories made by hand: a good one, and what tests change in it."""

from dataclasses import replace
from typing import Any

from tests.chaos.plan import Blow, Question, mark
from tests.chaos.records import Asked, History, Life, Poll, Prompt, Row, Sent, Shown

ROOM = 7


def question(number: int, *, parts: int = 1) -> Question:
    """Return question *number* in the first room."""
    return Question(
        number=number,
        at_s=float(number),
        room=0,
        bot=0,
        deliveries=(0.0,),
        marks=tuple(mark(number, part) for part in range(parts)),
    )


def asked(
    number: int, *, status: int | None = 204, parts: int = 1, at: float | None = None
) -> Asked:
    """Return question *number*, message ``10 + number``, acknowledged at ``100 + number``."""
    ended = 100.0 + number if at is None else at
    sent = Sent(began=ended - 0.1, ended=ended, status=status)
    return Asked(
        question=question(number, parts=parts),
        message_id=10 + number,
        room=ROOM,
        said_at=ended - 0.2,
        deliveries=(sent,),
    )


def row(number: int, **changes: Any) -> Row:
    """Return the journal's row of question *number*, answered a second after it was asked."""
    values: dict[str, Any] = {
        "message_id": 10 + number,
        "bot": "ada",
        "lane": f"campfire {ROOM}",
        "room": ROOM,
        "state": "answered",
        "reason": None,
        "accepted_at": 100.0 + number - 0.05,
        "settled_at": 200.0 + number + 0.5,
        "starts": (200.0 + number,),
        "marked": 0,
        "spare": 0,
        "notices": 0,
        "spare_notices": 0,
    }
    return Row(**(values | changes))


def shown(
    number: int, *, message_id: int | None = None, part: int = 0, growing: bool = False
) -> Shown:
    """Return the answer to question *number*."""
    return Shown(
        room=ROOM,
        message_id=100 + number if message_id is None else message_id,
        at=200.0 + number + 0.3,
        marks=(mark(number, part),),
        text=mark(number, part),
        growing=growing,
    )


def notice(message_id: int = 300, **signs: bool) -> Shown:
    """Return a sentence of the server's own, or a sign of a turn under way."""
    return Shown(room=ROOM, message_id=message_id, at=250.0, marks=(), text="Sorry.", **signs)


def prompt(number: int, *, repeated: tuple[int, ...] = ()) -> Prompt:
    """Return the request with which the model was asked question *number*."""
    return Prompt(at=200.0 + number + 0.1, number=number, repeated=repeated)


def poll(at: float = 300.0, **counts: int) -> Poll:
    """Return the equation with these counts, and nothing of the others."""
    nothing = dict.fromkeys(
        ("accepted", "answered", "told", "stopped", "skipped", "dead", "open"), 0
    )
    return Poll(at=at, counts=nothing | counts)


def life(**changes: Any) -> Life:
    """Return a process that was told to end, and did."""
    values: dict[str, Any] = {
        "started": 90.0,
        "ended": 400.0,
        "ended_by": Blow.TERM,
        "status": 0,
        "listening": 91.0,
        "orphans": 0,
        "zombies": 0,
    }
    return Life(**(values | changes))


def history(**changes: Any) -> History:
    """Return a run with three questions, each answered once and in order."""
    numbers = range(3)
    good = History(
        asked=tuple(map(asked, numbers)),
        shown=tuple(map(shown, numbers)),
        prompts=tuple(map(prompt, numbers)),
        rows=tuple(map(row, numbers)),
        polls=(poll(accepted=3, answered=3),),
        lives=(life(),),
        blows={},
        troubles={},
        full=(),
        has_history=True,
        complaints={},
        logged={},
        settled=True,
        took_s=10.0,
    )
    return replace(good, **changes)
