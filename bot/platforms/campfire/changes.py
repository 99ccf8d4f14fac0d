"""What a bot can do to messages that stand in a room already, where this Campfire lets it.

Up to version 1.4.9 it can do nothing; reactions came first, then edits together with removals.
Reactions are simply tried. Edits are found out beforehand, by a request that cannot change
anything: with a key that is none, Campfire asks for a login where there is such a route, and finds
nothing where there is none.
"""

import time
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import quote

from bot.platforms.campfire.api import Api
from bot.platforms.campfire.capability import Capability, is_present
from bot.platforms.campfire.status import Deed

#: What a route, a room or a message that is not there is answered with.
_MISSING = frozenset((HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED))
#: What a bot that does not show who it is is answered with.
_STRANGER = frozenset((HTTPStatus.FOUND, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN))
_NO_KEY = "0-none"


class Changes:
    """Edits, removes and reacts in one Campfire, and remembers which of these it knows."""

    def __init__(self, api: Api, *, now_s: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._now_s = now_s
        self._edits: Capability | None = None
        self._reactions: Capability | None = None

    async def can_edit(self, room: str) -> bool:
        """Whether bots can change their messages; see `Campfire.can_edit`."""
        known = self._is_present(self._edits)
        if known is None:
            passing = _MISSING | _STRANGER
            sent = await self._api.send(
                "PATCH", room=room, key=_NO_KEY, below="/0", deed=Deed.EDIT, passing=passing
            )
            known = sent.status in _STRANGER
            self._edits = self._learn(present=known)
        return known

    async def edit(self, *, room: str, message: str, html: str, key: str) -> None:
        """Change a message; see `Campfire.edit`."""
        below = f"/{quote(message, safe='')}"
        await self._api.send("PATCH", room=room, key=key, below=below, content=html, deed=Deed.EDIT)

    async def remove(self, *, room: str, message: str, key: str) -> None:
        """Remove a message; see `Campfire.remove`."""
        below = f"/{quote(message, safe='')}"
        await self._api.send(
            "DELETE", room=room, key=key, below=below, deed=Deed.REMOVE, passing=_MISSING
        )

    def can_react(self) -> bool:
        """Whether it is worth a try; see `Campfire.can_react`."""
        return self._is_present(self._reactions) is not False

    async def react(self, *, room: str, message: str, reaction: str, key: str) -> bool:
        """React to a message; see `Campfire.react`."""
        if not self.can_react():
            return False
        below = f"/{quote(message, safe='')}/boosts"
        sent = await self._api.send(
            "POST", room=room, key=key, below=below, content=reaction, deed=Deed.REACT,
            passing=_MISSING,
        )  # fmt: skip
        if sent.status not in _MISSING:
            self._reactions = self._learn(present=True)
            return True
        # With a version, a controller said that there is no such room; and where reactions are
        # known, it is the message that is gone.
        if not sent.routed and self._is_present(self._reactions) is None:
            self._reactions = self._learn(present=False)
        return False

    def _learn(self, *, present: bool) -> Capability:
        now_s = self._now_s()
        return Capability(present=present, version=self._api.version, found_at_s=now_s)

    def _is_present(self, found: Capability | None) -> bool | None:
        return is_present(found, version=self._api.version, now_s=self._now_s())
