"""``hearth demo --talk``: the demo's conversation, held in the terminal."""

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from rich.text import Text

from bot.cli.console import out
from bot.errors import BotError
from bot.testing.campfire import Campfire
from bot.testing.campfire.directory import Room
from bot.testing.campfire.records import BotAccount, PersonAccount

#: A first boot reads 360 MiB of program from the disk.
_PATIENCE_S = 60.0
_QUESTION = "what is my name?"


class DemoFailed(BotError):
    """Ada did not answer as she should."""


class Talk:
    """Kim's conversation with Ada."""

    def __init__(self, campfire: Campfire, room: Room, kim: PersonAccount, ada: BotAccount) -> None:
        self._campfire = campfire
        self._room = room
        self._kim = kim
        self._ada = ada

    async def say(self, text: str, *, expecting: str) -> None:
        """Say *text* to Ada and wait for her answer, in which *expecting* must be.

        Raises DemoFailed.
        """
        out.print(Text.assemble(("   Kim  ", "cyan"), f"@Ada {text}"))
        started = time.monotonic()
        said = await self._campfire.say(self._room, self._kim, f"@Ada {text}", mention=[self._ada])
        try:
            answer = await self._campfire.answer_to(said, by=self._ada, timeout_s=_PATIENCE_S)
        except TimeoutError as error:
            raise DemoFailed(f"Ada did not answer: {error}") from error
        took = f"  ({time.monotonic() - started:.1f} s)"
        out.print(Text.assemble(("   Ada  ", "magenta"), answer.plain, (took, "dim")))
        if expecting.lower() not in answer.plain.lower():
            raise DemoFailed(f"Ada's answer does not contain {expecting!r}")


async def hold_conversation(
    talk: Talk, serving: Callable[[], AbstractAsyncContextManager[None]]
) -> None:
    """Let Kim introduce herself and be remembered, over a restart of the server too."""
    async with serving():
        await talk.say("my name is Kim", expecting="Kim")
        await talk.say(_QUESTION, expecting="Kim")
    out.print("        the server is restarted", style="dim")
    async with serving():
        await talk.say(_QUESTION, expecting="Kim")
    out.print("        she still knows", style="green")
