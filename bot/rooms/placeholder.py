"""The message that grows with an answer, known before it leaves."""

from dataclasses import replace

from bot.errors import ChatError, ChatRefused, ChatUncertain
from bot.journal.journal import Journal
from bot.records import Entry, Part, PartState, Sign
from bot.rooms.lookup import Fate, Lookup
from bot.rooms.posting import Chat


class Placeholder:
    """The one of a message; what an earlier process has left of it is taken up."""

    def __init__(
        self,
        entry: Entry,
        chat: Chat,
        key: str,
        *,
        journal: Journal,
        lookup: Lookup,
        blank: str,
    ) -> None:
        self._entry = entry
        self._chat = chat
        self._key = key
        self._journal = journal
        self._lookup = lookup
        self._markdown = blank
        self._part: Part | None = None
        #: Whether the journal knows it by its id.
        self._recorded = True
        #: Whether nothing can be on its way any more that would overwrite a later text.
        self.steady = True

    @property
    def remote_id(self) -> str | None:
        """The platform's id of it, while it stands in the room."""
        return self._part.remote_id if self._part is not None else None

    async def show(self, html: str) -> bool:
        """Have it say *html*; False: not now. Raises ChatError or JournalError.

        It is posted blank, so that nothing of an answer is journaled before its time.
        """
        blank = self._chat.render(self._markdown)[0]
        part = self._part = self._part or await self._appear(blank)
        if part is None or part.state is PartState.DEAD:
            raise ChatRefused("the placeholder was given up")
        if part.remote_id is None:
            part = await self._look_for(part, blank)
        if part is None or part.remote_id is None:
            return False
        if html != blank:
            if not self._recorded:
                await self._record(part)
            await self._edit(part.remote_id, html)
        return True

    async def _appear(self, blank: str) -> Part | None:
        """Post it, or take up what there is of it."""
        signs = self._journal.signs
        part = await signs.claim(self._entry, Sign.PLACEHOLDER, blank)
        if part is not None:
            return await self._post(part)
        self.steady = False  # the process that posted it may have changed it just before
        return await signs.placeholder(self._entry)

    async def _post(self, part: Part) -> Part:
        try:
            remote_id = await self._chat.post(
                room=self._entry.message.room, html=part.html, key=self._key
            )
        except ChatUncertain:
            raise
        except ChatError:
            await self._journal.signs.forget(part)
            self._part = None
            raise
        return part if remote_id is None else await self._known(part, remote_id)

    async def _look_for(self, part: Part, blank: str) -> Part | None:
        """Take it up where it has arrived, or send it again where it never will."""
        found = await self._lookup.glance(
            self._entry, part, after=self._entry.message.id, chat=self._chat, key=self._key
        )
        if found.remote_id is not None:
            return await self._known(part, found.remote_id)
        if found.fate is not Fate.LOST or not self._lookup.is_over(part):
            return None
        self._part = await self._journal.signs.renew(part, blank)
        return await self._post(self._part) if self._part is not None else None

    async def _known(self, part: Part, remote_id: str) -> Part:
        """Keep what it is known by, also while the disk does not take it."""
        self._part = replace(part, remote_id=remote_id, state=PartState.POSTED)
        self._recorded = False
        await self._record(self._part)
        return self._part

    async def _record(self, part: Part) -> None:
        """Have the journal know it: by what it says, it is found only as long as it is blank."""
        await self._journal.mark_posted(part, remote_id=part.remote_id)
        self._recorded = True

    async def _edit(self, message: str, html: str) -> None:
        try:
            await self._chat.edit(
                room=self._entry.message.room, message=message, html=html, key=self._key
            )
        except ChatUncertain:
            self.steady = False
            raise
