"""The prompts that a child has: the one it works on, and what was added to it meanwhile.

What the pinned child does with a prompt that is sent while another one runs (measured with the
real one against a stand-in model; times from its last step):

- While it waits for the model, or the model speaks: the prompt is kept until the running one has
  its result. 11 to 16 ms after that the child begins by itself, and all that it kept becomes one
  prompt: one text, a line each, one answer, one result that names them all. Its transcript has that
  prompt under the uuid of the last, and nothing under those of the others.
- While a tool runs: it is given to the model with the tool's result, as something said meanwhile.
  The running prompt's result names it too; the transcript has it within that turn.
- When the running prompt fails or is interrupted, its result names that one alone; what was kept
  is begun 12 ms later. So an interrupt ends one prompt, and not what waits behind it.

So which prompts an answer settles is known from its result only, 2 to 20 ms after its last word.
"""

import asyncio
from collections.abc import Collection, Sequence

from claude_agent_sdk import Message

from bot.agent.client import Client, Content, one_prompt
from bot.agent.reply import Asking
from bot.agent.translate import foreign_errors
from bot.errors import AgentError


class Prompts:
    """What one child was asked and has not ended yet, in the order of its leaving."""

    def __init__(self, client: Client, stderr: Sequence[str]) -> None:
        #: What the child works on; None when it has nothing to do.
        self.current: Asking | None = None
        self._added: list[Asking] = []
        #: Additions that were answered in their own right before anybody came to hear it.
        self._unclaimed: dict[str, Asking] = {}
        self._client = client
        self._stderr = stderr
        self._loop = asyncio.get_running_loop()
        # It is fair: what was begun first leaves first.
        self._sending = asyncio.Lock()

    def begin(self, prompt_uuid: str) -> Asking:
        """Take note of a prompt that is about to be sent to a child with nothing to do."""
        self._unclaimed.clear()
        self.current = Asking(prompt_uuid, now=self._loop.time())
        return self.current

    async def send(self, text: Content, prompt_uuid: str) -> None:
        """Send a prompt. Raises AgentError."""
        async with self._sending:
            with foreign_errors(self._stderr):
                await self._client.query(one_prompt(text, prompt_uuid))

    async def add(self, text: str, prompt_uuid: str) -> bool:
        """Send an addition; False when it comes too late. Raises AgentError."""
        if self.current is None or self.current.heard.is_set():
            return False
        self.current.extended = True
        asking = Asking(prompt_uuid, now=self._loop.time())
        self._added.append(asking)
        sent = False
        try:
            await self.send(text, prompt_uuid)
            sent = True
        finally:
            if not sent and asking in self._added:  # nobody must wait for its result
                self._added.remove(asking)
        return True

    def claim(self, prompt_uuid: str) -> Asking | None:
        """Return an addition for whoever waits for its answer; None when the child has it not."""
        if self.current is not None and self.current.prompt_uuid == prompt_uuid:
            return self.current
        return self._unclaimed.pop(prompt_uuid, None)

    def abandon(self, additions: Collection[str]) -> bool:
        """Let the child work for nobody; False when it does not, or somebody has come for it."""
        asking = self.current
        if asking is None or not {asking.prompt_uuid} & self._unclaimed.keys() & {*additions}:
            return False
        asking.abandoned = True
        return True

    def hear(self, message: Message) -> Asking | None:
        """Read what the child says; return the prompt that it ends."""
        asking = self.current
        if asking is None:
            return None
        asking.take(message, now=self._loop.time())
        if not asking.finished.is_set():
            return None
        self._next(asking)
        return asking

    def fail(self, error: AgentError) -> None:
        """End every wait: the child is gone."""
        for asking in (self.current, *self._added):
            if asking is not None:
                asking.fail(error)
        self.current, self._added = None, []

    def _next(self, ended: Asking) -> None:
        """Go on as the child does: with what it has kept."""
        kept = [asking for asking in self._added if asking.prompt_uuid not in ended.named]
        self.current, self._added = (kept[0], kept[1:]) if kept else (None, [])
        if self.current is not None:
            self.current.begin(self._loop.time(), extended=len(kept) > 1)
            self._unclaimed[self.current.prompt_uuid] = self.current
