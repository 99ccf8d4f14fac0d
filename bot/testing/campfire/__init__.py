"""A stand-in for ONCE Campfire: its webhooks, its bot API, its traps, and a page to chat on."""

from bot.testing.campfire.campfire import Campfire, open_campfire
from bot.testing.campfire.directory import Room
from bot.testing.campfire.records import (
    ApiCall,
    BotAccount,
    Delivery,
    Dialect,
    Fate,
    Message,
    PersonAccount,
    RoomKind,
    Violation,
)
from bot.testing.gate import Gate

__all__ = [
    "ApiCall",
    "BotAccount",
    "Campfire",
    "Delivery",
    "Dialect",
    "Fate",
    "Gate",
    "Message",
    "PersonAccount",
    "Room",
    "RoomKind",
    "Violation",
    "open_campfire",
]
