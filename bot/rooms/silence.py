"""Knowing without asking that nobody has spoken: by the numbers of the messages.

A platform counts its messages through, in all its rooms. Where each number between two messages of
a room is one that we were told or have posted ourselves, there is nothing that has to be read.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from bot.records import Message

#: So many messages are known, the newest of all rooms: about 400 bytes each.
_MOST: Final = 1_024
#: Over how many numbers it is looked; between two that are further apart, somebody spoke.
_FAR: Final = 256


class Silence:
    """What was said to our bots and by them, lately."""

    def __init__(self) -> None:
        #: By platform and position: in which room it was, and which bots it needs not be told.
        self._known: OrderedDict[tuple[str, int], tuple[str, tuple[str, ...]]] = OrderedDict()

    def said(self, message: Message) -> None:
        """Take note of a message to one of our bots; one to several comes several times."""
        self._know(message.platform, message.position, message.room, message.bot)

    def posted(self, message: Message, remote_id: str | None) -> None:
        """Take note of what a bot has posted, in the room of the *message* that it answers."""
        if remote_id is not None and remote_id.isdecimal():
            self._know(message.platform, int(remote_id), message.room, message.bot)

    def lasts(self, message: Message, *, since: int) -> bool:
        """Whether between the position *since* and *message* nothing was said that its bot missed.

        False where that is not known.
        """
        between = range(since + 1, message.position)
        return len(between) <= _FAR and self._all_known(message, between)

    def _all_known(self, message: Message, positions: Iterable[int]) -> bool:
        for position in positions:
            known = self._known.get((message.platform, position))
            if known is None:
                return False
            room, bots = known
            if room == message.room and message.bot not in bots:
                return False
        return True

    def _know(self, platform: str, position: int, room: str, bot: str) -> None:
        place = platform, position
        _, bots = self._known.get(place, (room, ()))
        if bot not in bots:
            self._known[place] = (room, (*bots, bot))
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
