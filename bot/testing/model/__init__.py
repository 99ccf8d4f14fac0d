"""A stand-in for the Messages API: strict about its rules, without memory, scriptable."""

from bot.testing.gate import Gate
from bot.testing.model.behaviour import (
    AFTER_TEXT,
    Behaviour,
    Pace,
    call_tool,
    drip,
    drop,
    fail,
    hold,
    refuse,
    say,
    stall,
)
from bot.testing.model.failure import Failure
from bot.testing.model.model import Model, Script
from bot.testing.model.request import Request
from bot.testing.model.server import open_model

__all__ = [
    "AFTER_TEXT",
    "Behaviour",
    "Failure",
    "Gate",
    "Model",
    "Pace",
    "Request",
    "Script",
    "call_tool",
    "drip",
    "drop",
    "fail",
    "hold",
    "open_model",
    "refuse",
    "say",
    "stall",
]
