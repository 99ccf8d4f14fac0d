"""Files that people give, for the agent to look at."""

from collections.abc import Sequence
from typing import Protocol

import structlog

from bot.config.bot import Bot
from bot.errors import ChatError
from bot.records import Message
from bot.records.file import File

log = structlog.get_logger(__name__)


class Uploads(Protocol):
    """The platform, as far as it gives the files of a message."""

    async def files(self, message: Message, *, key: str) -> tuple[File, ...]:
        """Return what came with *message*, a few files of some megabytes; raises ChatError."""
        ...


async def given_with(message: Message, bot: Bot, uploads: Uploads) -> Sequence[File]:
    """Return the files of *message*; none when they cannot be had, which the agent is told."""
    try:
        return await uploads.files(message, key=bot.credentials.key)
    except ChatError as error:
        log.warning("files_unavailable", bot=bot.id, message=message.id, why=str(error))
        return ()
