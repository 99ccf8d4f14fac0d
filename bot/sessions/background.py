"""What is done to sessions while no turn asks for them."""

import asyncio

from bot.sessions.compacting import Compacting
from bot.sessions.conversations import Conversations
from bot.sessions.opener import Opener
from bot.sessions.quieting import Quieting
from bot.sessions.registry import Registry
from bot.sessions.warming import Warming


class Background:
    """Opens conversations ahead of a turn, and sums long ones up, or ends them, after it."""

    def __init__(
        self,
        registry: Registry,
        conversations: Conversations,
        opener: Opener,
        group: asyncio.TaskGroup,
    ) -> None:
        self.warming = Warming(registry, opener, group)
        self.compacting = Compacting(registry, conversations, opener, group)
        self.quieting = Quieting(registry, group)

    def close(self) -> None:
        """Begin nothing more: the server is being stopped."""
        self.warming.close()
        self.compacting.close()
