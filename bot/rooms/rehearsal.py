"""Rendering an answer in the moment in which it is not yet known whether more follows.

The child says that a piece is complete, and a little later why the model has stopped. Nothing else
is to be done for the turn meanwhile, and afterwards the room waits.
"""

import asyncio
from collections.abc import Callable
from typing import Final

_Html = tuple[str, ...]

#: Characters of an answer that are rendered for nothing, should more follow.
_MOST: Final = 4_000


class Rehearsal:
    """What the answer of one turn looks like in its room. *group* is the turn's."""

    def __init__(self, render: Callable[[str], _Html], group: asyncio.TaskGroup) -> None:
        self._render = render
        self._group = group
        self._ended = False
        self._markdown: str | None = None
        self._rendering: asyncio.Task[_Html] | None = None

    def try_out(self, markdown: str) -> None:
        """Render what may be the answer; not here, since whoever calls reads for everybody."""
        if len(markdown) <= _MOST and not self._ended:
            self._markdown = markdown
            self._rendering = self._group.create_task(self._rendered(markdown), name="rehearse")

    def end(self) -> None:
        """Try out nothing more: the turn says its last, or has ended. The child may speak on."""
        self._ended = True

    async def rendered(self, markdown: str) -> _Html | None:
        """Return the messages that say *markdown*; None when something else was tried out."""
        if self._rendering is None or markdown != self._markdown:
            return None
        return await self._rendering

    async def _rendered(self, markdown: str) -> _Html:
        return self._render(markdown)
