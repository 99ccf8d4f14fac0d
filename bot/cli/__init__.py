"""The commands: ``hearth serve``, ``hearth demo``, ``hearth check``."""

from bot.cli.commands import main

__all__ = ["main"]
