"""An answer that an earlier attempt got before server or child went away: in the transcript."""

from dataclasses import dataclass

from bot.agent.agent import Agent
from bot.agent.transcript import Transcript
from bot.journal.journal import Journal
from bot.records import Attempt, Entry


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What was found."""

    markdown: str
    #: The attempt under whose uuid the transcript has it.
    attempt: Attempt


class Earlier:
    """Looks for answers that nobody heard."""

    def __init__(self, journal: Journal, agent: Agent) -> None:
        self._journal = journal
        self._agent = agent

    async def answer(self, entry: Entry) -> Found | None:
        """Look for an answer to *entry*; what else it answers is joined to it."""
        for attempt in reversed(entry.attempts):
            transcript = await self._agent.transcript(entry.message.bot, attempt.session_id)
            if transcript is not None:
                found = await self._look(entry, attempt, transcript)
                if found is not None:
                    return found
        return None

    async def _look(self, entry: Entry, attempt: Attempt, transcript: Transcript) -> Found | None:
        added = await self._journal.companions.sent_with(attempt)
        together: tuple[str, ...] = (attempt.prompt_uuid,)
        if added:
            together = transcript.answered_with(attempt.prompt_uuid, added)
        markdown = transcript.answer_to(together[-1])
        if markdown is None:
            return None
        if len(together) > 1:
            attempt = await self._journal.companions.absorb(entry, together, kept_as=together[-1])
        return Found(markdown=markdown, attempt=attempt)
