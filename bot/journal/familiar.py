"""What the tables of lanes and places say already, so that most messages need not tell them."""

from collections.abc import Iterable
from typing import Final

from bot.journal.inbox import Arrival
from bot.records import Message

#: How far a place's time of last use may lag behind; whoever reads it thinks in hours.
STALE_S: Final = 60.0
#: Beyond so many places, everybody is a stranger again.
_LIMIT: Final = 10_000


class Familiar:
    """The lanes and places that this process has written lately, and that are on disk."""

    def __init__(self) -> None:
        #: By lane and place: what is written there besides.
        self._known: dict[tuple[str, ...], tuple[str | None, bool]] = {}
        #: When the oldest of it may have been written.
        self._since = 0.0

    def covers(self, arrivals: Iterable[Arrival], *, at: float) -> bool:
        """Whether these messages have nothing to tell."""
        if not 0 <= at - self._since < STALE_S or len(self._known) > _LIMIT:
            self._known.clear()
            self._since = at
        get = self._known.get
        return all(
            get(_key(message, lane)) == (message.room_name, message.direct)
            for message, lane in arrivals
        )

    def note(self, arrivals: Iterable[Arrival], *, at: float) -> None:
        """Remember what is on disk now, and was written *at* that time or later."""
        if at >= self._since:
            self._known.update(
                (_key(message, lane), (message.room_name, message.direct))
                for message, lane in arrivals
            )


def _key(message: Message, lane: str) -> tuple[str, ...]:
    return lane, message.platform, message.bot, message.room
