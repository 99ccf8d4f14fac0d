"""ONCE Campfire: its webhook, its bot API and the HTML its rooms keep."""

from bot.platforms.campfire.campfire import Campfire, open_campfire

__all__ = ["Campfire", "open_campfire"]
