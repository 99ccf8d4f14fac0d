"""Stand-ins that ship with the package: a strict Campfire and a strict Messages API.

The tests, ``hearth demo`` and the simulator run against them. They apply the real thing's rules,
so that a violation shows as it would in production: as a 400, or as rubbish in the room.
"""

from bot.testing.campfire import open_campfire
from bot.testing.model import open_model

__all__ = ["open_campfire", "open_model"]
