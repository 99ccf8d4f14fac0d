"""Who may be tried beside whom: a turn that ran when the server went away may have brought it down.

The innocent run beside each other. Suspects are tried one at a time, beside the innocent. Who was
running at two crashes is tried alone, so that another one can be its own doing.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum

from bot.records import AttemptState, Entry


class Suspicion(Enum):
    """How a message is tried."""

    #: It was not running when the server went away.
    NONE = 0
    #: It was, perhaps beside others: not beside another suspect.
    SOME = 1
    #: It was twice: while nothing else runs.
    STRONG = 2


def suspicion_of(entry: Entry) -> Suspicion:
    """Judge a message by what became of its attempts."""
    interrupted = sum(attempt.state is AttemptState.INTERRUPTED for attempt in entry.attempts)
    return Suspicion(min(interrupted, Suspicion.STRONG.value))


@dataclass(kw_only=True, slots=True, eq=False)
class _Place:
    """Somebody who waits to be tried, or is being tried."""

    suspicion: Suspicion
    #: Whether the server has lived long enough.
    due: bool
    #: Whether it is let in; never, when the server is being stopped.
    admission: asyncio.Future[bool]


class Quarantine:
    """Lets messages in to be tried. It is the loop's that made it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._born = self._loop.time()
        self._waiting: list[_Place] = []
        self._inside: Counter[Suspicion] = Counter()
        self._closed = False

    @asynccontextmanager
    async def tried(self, suspicion: Suspicion, *, calm_s: float = 0.0) -> AsyncIterator[bool]:
        """Wait until the block may run; it is being tried until the block ends.

        It is not before the server has lived for *calm_s*. False: the server is being stopped, it
        must not be tried any more.
        """
        admission = self._loop.create_future()
        place = _Place(suspicion=suspicion, due=not calm_s, admission=admission)
        if calm_s:
            self._loop.call_at(self._born + calm_s, self._call, place)
        self._waiting.append(place)
        self._look()
        try:
            yield await admission
        finally:
            self._leave(place)
            self._look()

    @property
    def calm(self) -> bool:
        """Whether whoever is innocent may be tried at once: nobody is tried alone, or waits."""
        return not (self._closed or self._waiting or self._inside[Suspicion.STRONG])

    def close(self) -> None:
        """Let nobody in any more."""
        self._closed = True
        self._look()

    def _call(self, place: _Place) -> None:
        place.due = True
        self._look()

    def _look(self) -> None:
        """Let in whoever may, in the order of their coming."""
        for place in tuple(self._waiting):
            if self._closed or self._may_enter(place):
                self._admit(place)
            elif place.suspicion is Suspicion.STRONG and place.due:
                break  # whoever passed it by would keep it waiting, for ever in a busy server

    def _may_enter(self, place: _Place) -> bool:
        match place.suspicion:
            case Suspicion.NONE:
                return not self._inside[Suspicion.STRONG]
            case Suspicion.SOME:
                return not self._inside[Suspicion.STRONG] + self._inside[Suspicion.SOME]
            case Suspicion.STRONG:
                return place.due and not self._inside.total()

    def _admit(self, place: _Place) -> None:
        self._waiting.remove(place)
        if not place.admission.cancelled():
            place.admission.set_result(not self._closed)
            self._inside[place.suspicion] += not self._closed

    def _leave(self, place: _Place) -> None:
        if place in self._waiting:
            self._waiting.remove(place)  # whoever waited was cancelled
        elif not place.admission.cancelled() and place.admission.result():
            self._inside[place.suspicion] -= 1
