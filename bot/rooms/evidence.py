"""Whether a message brings the server down, or only happens to run when something else does. Pure.

A message that does brings it down each time, at the same point, and nothing ends the server
without it. Kills from outside hit at any moment, and hit other lives of the server as well. So a
message is given up when the server ended three times in a row while it ran and nothing else did,
each time about as long after its beginning; or ten times in a row, whenever that was. An end for
which nobody who ran then can be blamed came from outside, and breaks the row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.journal.views import LostLife, Trial, Trials

#: So many ends in a row cost a message, when they are alike.
_ALIKE: Final = 3
#: And so many when they are not: a crash may depend on what the agent is doing just then.
_UNLIKE: Final = 10

#: Ends are alike that differ by so little, or by so small a part of the longest.
_SPREAD_S: Final = 1.5
_SPREAD: Final = 0.25

_CALM_S = 10.0
_CALM: Final = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What there is against a message."""

    #: How often the server ended while it ran and nothing else did.
    crashes: int
    #: How many of these came in a row, nothing from outside in between; the last ones.
    in_a_row: int
    #: How many ends since the first of them came from outside.
    from_outside: int
    #: How long after its beginning each end of the row was.
    moments_s: tuple[float, ...]
    #: Whether it is given up.
    enough: bool
    #: How long the server must have lived before it is tried once more.
    calm_s: float

    def fields(self) -> dict[str, object]:
        """Return what the operator may want to know of a message that is tried again."""
        return {
            "crashes": self.crashes,
            "in_a_row": self.in_a_row,
            "moments_s": self.moments_s,
            "from_outside": self.from_outside,
            "calm_s": round(self.calm_s, 1),
        }


def weigh(trials: Trials) -> Evidence:
    """Weigh what a message did, or what was done to it."""
    own = {trial.life for trial in trials.of_message}
    outside = [life.number for life in trials.lost if life.number not in own and _nobodys(life)]
    last = max(outside, default=-1)
    row = [trial for trial in trials.of_message if trial.life > last]
    return Evidence(
        crashes=len(trials.of_message),
        in_a_row=len(row),
        from_outside=len(outside),
        moments_s=tuple(round(trial.lasted_s, 1) for trial in row),
        enough=len(row) >= _UNLIKE or (len(row) >= _ALIKE and _alike(row)),
        calm_s=_calm_s(trials.of_message),
    )


def _nobodys(life: LostLife) -> bool:
    """Whether nobody can be blamed for an end: nobody who ran then ends the server so each time."""
    return not any(_alike(suspect) for suspect in life.suspects)


def _alike(trials: Sequence[Trial]) -> bool:
    """Whether the last ends came about as long after the beginning."""
    moments_s = [trial.lasted_s for trial in trials[-_ALIKE:]]
    return max(moments_s) - min(moments_s) <= max(_SPREAD_S, _SPREAD * max(moments_s))


def _calm_s(trials: Sequence[Trial]) -> float:
    """Return how long the server must live before the next trial.

    The other rooms are served in between. And whatever kills the server as often as that does not
    find the message running: it would rather have come during the wait, which is longer than the
    trial.
    """
    longest_s = max((trial.lasted_s for trial in trials), default=0.0)
    return max(_CALM_S * len(trials), _CALM * longest_s)


#: Against a message that never ran when the server ended.
NOTHING: Final = weigh(Trials(of_message=(), lost=()))
