"""A room's history, for looking up what became of a post, and for catching up."""

import time
from collections.abc import Callable

from bot.errors import ChatRefused, ChatUnavailable, Malformed
from bot.platforms.campfire.api import Answer, Api
from bot.platforms.campfire.capability import Capability, Missing, is_present, read_missing
from bot.platforms.campfire.page import parse_page
from bot.records import RoomMessage

Page = tuple[RoomMessage, ...]

#: Messages on a page of Campfire's.
PAGE_SIZE = 40

#: How far back a removed message is looked for; with Campfire's pages, 1,000 messages.
_MOST_PAGES = 25


class History:
    """Reads the history of one Campfire, and remembers whether there is one."""

    def __init__(self, api: Api, *, now_s: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._now_s = now_s
        self._found: Capability | None = None

    async def page(
        self, *, room: str, key: str, after: str | None = None, before: str | None = None
    ) -> Page | None:
        """Return a page of *room*; see `Campfire.history`."""
        if self._present() is False:
            return None
        found = await self._ask(room, key, after=after, before=before)
        if found is Missing.ANCHOR:
            found = await self._around(room, key, after=after, before=before)
        if found is Missing.ANCHOR:
            raise ChatUnavailable(f"messages of room {room} were removed while it was read")
        return None if isinstance(found, Missing) else found

    async def since(self, *, room: str, key: str, after: str, limit: int) -> Page | None:
        """Return what came after a message of *room*; see `Campfire.history_since`."""
        read: dict[str, RoomMessage] = {}
        while len(read) < limit:
            page = await self.page(room=room, key=key, after=after)
            if page is None:
                return None
            fresh = {message.id: message for message in page if message.id not in read}
            if not fresh:
                break
            read |= fresh
            after = page[-1].id
        return tuple(read.values())[:limit]

    async def _around(
        self, room: str, key: str, *, after: str | None, before: str | None
    ) -> Page | Missing:
        """Return the page next to a message that was removed, or may have been."""
        position = int(before or after or 0)
        read = await self._back_to(room, key, position)
        if isinstance(read, Missing):
            return read
        newer = tuple(message for message in read if message.position > position)
        if not before:
            return newer[:PAGE_SIZE]
        return await self._ask(room, key, before=newer[0].id) if newer else read[-PAGE_SIZE:]

    async def _back_to(self, room: str, key: str, position: int) -> Page | Missing:
        """Read from the newest message back to *position*; return the two oldest pages of that."""
        read: Page = ()
        for _ in range(_MOST_PAGES):
            page = await self._ask(room, key, before=read[0].id if read else None)
            if isinstance(page, Missing):
                return page
            read = (page + read)[: 2 * PAGE_SIZE]
            if not page or page[0].position < position:
                break
        return read

    async def _ask(
        self, room: str, key: str, *, after: str | None = None, before: str | None = None
    ) -> Page | Missing:
        """Ask once. A missing route or message is returned, a missing room raised."""
        answer = await self._api.read_messages(room=room, key=key, after=after, before=before)
        if answer.body is None:
            return self._learn_missing(answer, room, anchored=bool(after or before))
        try:
            page = parse_page(answer.body, room=room)
        except Malformed as malformed:
            raise ChatUnavailable(
                f"the history of room {room} cannot be read: {malformed}; "
                "check what answers at HEARTH_CAMPFIRE_URL"
            ) from None
        self._learn(present=True)
        return page

    def _learn_missing(self, answer: Answer, room: str, *, anchored: bool) -> Missing:
        missing = read_missing(
            answer.status, routed=answer.routed, anchored=anchored, present=self._present()
        )
        if missing is Missing.ROUTE:
            self._learn(present=False)
        if missing is Missing.ROOM:
            # Only its headers prove the route; a bare 404 lets what is known grow old.
            if answer.routed:
                self._learn(present=True)
            raise ChatRefused(
                f"reading room {room} was answered {answer.status}: the room does not exist, or "
                "the bot is not a member of it: add the bot in the room's settings"
            )
        return missing

    def _learn(self, *, present: bool) -> None:
        now_s = self._now_s()
        self._found = Capability(present=present, version=self._api.version, found_at_s=now_s)

    def _present(self) -> bool | None:
        return is_present(self._found, version=self._api.version, now_s=self._now_s())
