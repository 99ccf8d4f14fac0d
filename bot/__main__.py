"""``python -m bot`` is ``hearth``."""

from bot.cli import main

main()
