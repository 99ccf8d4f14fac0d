"""The commands: ``hearth serve``, ``hearth demo``, ``hearth check``, ``hearth dead-letters``."""

from bot.cli.commands import main

__all__ = ["main"]
