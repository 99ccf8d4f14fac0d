"""What waits, read from the names of the lanes: how much for a session, and for which ones."""

from collections.abc import Iterable, Iterator, Mapping

from bot.config.bot import Bot
from bot.journal.views import WaitingLane


class Waiting:
    """The lanes with open messages at one moment.

    A lane is ``{platform}/{room}``, or ``{platform}/{room}/{bot}`` for a bot with its own. Both are
    looked at, whatever the bot's file says now: it may have said the other before.
    """

    def __init__(self, lanes: Iterable[WaitingLane]) -> None:
        self._open = {lane.lane: lane.open for lane in lanes}

    def open(self, bot: Bot, room: str) -> int:
        """Count the open messages that a message to *bot* in *room* would wait behind, or with."""
        lane = f"{bot.platform}/{room}"
        return self._open.get(lane, 0) + self._open.get(f"{lane}/{bot.id}", 0)

    def in_use(self, bots: Mapping[str, Bot]) -> frozenset[tuple[str, str]]:
        """Return (room, bot) of every session that may have open messages.

        In a room's lane that is each of its platform's bots: the name does not say which.
        """
        return frozenset(key for lane in self._open for key in _sessions(lane, bots))


def _sessions(lane: str, bots: Mapping[str, Bot]) -> Iterator[tuple[str, str]]:
    platform, _, rest = lane.partition("/")
    yield from ((rest, bot.id) for bot in bots.values() if bot.platform == platform)
    room, _, last = rest.rpartition("/")
    if last in bots:
        yield room, last
