"""One open conversation: a child process, the one reader of what it says, and who asks it."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import structlog
from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient

from bot.agent.boot import boot, let_go
from bot.agent.boots import Boots
from bot.agent.brake import ChildBrake
from bot.agent.client import Client, Content
from bot.agent.folders import AgentFolders
from bot.agent.line import Ticket
from bot.agent.options import agent_options
from bot.agent.prompts import Prompts
from bot.agent.pulse import Pulse, within
from bot.agent.reply import NOBODY, Asking, Listener, Reply
from bot.agent.start import Start
from bot.agent.translate import foreign_errors
from bot.config.bot import Bot
from bot.config.settings import AgentAccess
from bot.errors import AgentError, AgentStartFailed, ConversationDied, TurnTimedOut

log = structlog.get_logger(__name__)

#: From an interrupt to the last message of its prompt: the child needs 40 ms, a hung one for ever.
_SILENCE_S = 5.0
#: The same when somebody has said stop: the child is quiet within 5 s then.
_HUSH_S = 4.0
#: The same when nobody waits for that message any more.
_INTERRUPT_S = 2.0
#: From a complete answer to the last message: the child needs 2 ms, to write it down.
_REST_S = 1.0
_STDERR_LINES = 20


class Conversation:
    """An open client on a session.

    `run` is its owner, from boot to end: it belongs into a task group. Any task of the same loop
    may `ask`, one at a time; whoever asks is told when the child dies.
    """

    def __init__(
        self,
        bot: Bot,
        start: Start,
        *,
        access: AgentAccess,
        folders: AgentFolders,
        boots: Boots,
        ticket: Ticket,
        client: Callable[[ClaudeAgentOptions], Client] = ClaudeSDKClient,
    ) -> None:
        self.bot = bot
        self.session_id = start.session_id
        self.ended = asyncio.Event()
        #: Whether it ends because we want it to.
        self.closing = False
        #: Whether the child ended on its own, after it had booted.
        self.died = False
        #: Whether it was ended because it said nothing any more.
        self.silenced = False
        #: The child's process; None before it has booted.
        self.pid: int | None = None
        #: The wish for it: whoever comes to need it may make that more urgent.
        self.ticket = ticket
        #: Told after each prompt what the child has counted for the session, in US dollars.
        self.on_cost: Callable[[float], None] = lambda _dollars: None
        #: Follows the answer to the next prompt.
        self.listener: Listener = NOBODY
        self._folders = folders
        self._boots = boots
        self._brake = ChildBrake(folders.work(bot.id, start.session_id))
        self._pulse = Pulse()
        self._stderr: deque[str] = deque(maxlen=_STDERR_LINES)
        self._client = client(
            agent_options(bot, start, access=access, folders=folders, stderr=self._stderr.append)
        )
        #: Set when the child has booted, and when it never will.
        self._ready = asyncio.Event()
        self._fit = False
        self._end: AgentError | None = None
        self._owner: asyncio.Task[Any] | None = None
        self._leaving = False
        self._booting = False
        self._prompts = Prompts(self._client, self._stderr)

    @property
    def usable(self) -> bool:
        """Whether a next prompt can be sent: open, and not left in the middle of one."""
        return self._fit

    @property
    def stuck_s(self) -> float:
        """How long it has not been heard, while it had something to do."""
        asking = self._prompts.current
        asked = asking is not None and not asking.heard.is_set()
        return self._pulse.quiet_s if self._booting or asked or self._leaving else 0.0

    async def run(self) -> None:
        """Own the child: start it, read all it says, see it end. Returns when it is gone."""
        if self.closing:
            return
        self._owner = asyncio.current_task()
        try:
            async with self._boots.admitted(self.ticket, self._brake):
                await self._connect()
            self._fit = True
            self._ready.set()
            await self._read()
        except AgentError as error:
            self._end = error
            self.died = self._ready.is_set() and not self.closing
        finally:
            self._leaving, self._booting = True, False
            self._release()
            try:
                self._pulse.beat()
                await let_go(self._client, self._kill)
            finally:
                self.ended.set()
                # A cancelled task keeps its frames, and those know us: a circle for each child.
                self._owner = None

    async def opened(self) -> None:
        """Wait until the child has booted.

        Raises SessionLost, AgentMissing or AgentStartFailed when it did not.
        """
        await self._ready.wait()
        if self._end is None:
            return
        if isinstance(self._end, ConversationDied):
            raise AgentStartFailed(str(self._end)) from self._end
        raise self._end

    async def ask(
        self, text: Content, *, prompt_uuid: str, timeout_s: float, silence_s: float
    ) -> Reply:
        """Send one prompt and return its answer, as soon as that is complete.

        The child may still be writing it down then; the next prompt waits for that. Raises
        ConversationDied, ModelFailed, or TurnTimedOut: it took longer than *timeout_s*, or the
        child said nothing for *silence_s*. Then the prompt is interrupted, and its answer can no
        longer come.
        """
        await self._rest()
        if not self.usable:
            raise self._end or ConversationDied("the conversation cannot be asked")
        asking = self._prompts.begin(prompt_uuid)
        asking.tell(self.listener)
        sent = self._prompts.send(text, prompt_uuid)
        return await self._answer(asking, sent, timeout_s, silence_s)

    async def add(self, text: str, *, prompt_uuid: str) -> bool:
        """Send an addition to the prompt under way; False when it comes too late.

        The child may answer both together, as the reply says then; else it goes on with the
        addition by itself, and `hear` returns its answer. Raises ConversationDied.
        """
        return self.usable and await self._prompts.add(text, prompt_uuid)

    async def hear(self, prompt_uuid: str, *, timeout_s: float, silence_s: float) -> Reply | None:
        """Return the answer to an addition, see `ask`; None when the child will give none."""
        asking = self._prompts.claim(prompt_uuid)
        if asking is None:
            return None
        asking.tell(self.listener)
        return await self._answer(asking, asyncio.sleep(0), timeout_s, silence_s)

    async def _answer(
        self, asking: Asking, sent: Awaitable[None], timeout_s: float, silence_s: float
    ) -> Reply:
        """Wait for the answer to a prompt, once that is *sent*."""
        self._pulse.beat()
        try:
            async with asyncio.timeout(timeout_s):
                await sent
                await self._pulse.until(asking.heard, silence_s=silence_s)
        except TimeoutError as late:
            await self._silence(asking)
            if not asking.answered:  # it may have been answered just then: the agent knows it
                raise TurnTimedOut(str(late) or f"no answer within {timeout_s:g} s") from None
        finally:
            if not asking.heard.is_set():
                asking.abandoned, self._fit = True, False  # its answer may still come
        return asking.reply()

    async def hush(self) -> None:
        """Drop a prompt whose asker has gone, and what was added to it; or else end the child.

        Does nothing when there is none, and in a conversation that is being closed.
        """
        asking = self._prompts.current
        if asking is None or not asking.abandoned or self.closing or self._leaving:
            return
        while asking is not None and not self.silenced:
            await self._silence(asking, within_s=_HUSH_S)
            asking = self._prompts.current
        self._fit = asking is None and not self.silenced and self._end is None

    async def drop(self, additions: Collection[str]) -> None:
        """Drop *additions*, by their uuids, that nobody has come for, and nobody will."""
        if self._prompts.abandon(additions):
            self._fit = False
            await self.hush()

    async def close(self) -> None:
        """End the conversation, whatever it is doing. Returns when the child is gone."""
        self.closing, self._fit = True, False
        if self._owner is None:  # it never ran, and will not, or it is gone
            self._release()
            self.ended.set()
        try:
            if self._prompts.current is not None and not self._leaving:
                await self._stop(self._prompts.current)
        finally:
            self._leave()
        await self.ended.wait()

    def abort(self) -> None:
        """End the child at once, and the wait of its owner, whatever that waits for."""
        self._pulse.beat()  # a second time, too soon, would cut short what the first has begun
        self._kill()
        self._leave(again=True)

    async def _connect(self) -> None:
        self._booting = True
        self._pulse.beat()
        self.pid = await boot(self._client, self._folders, self.bot, self.session_id, self._stderr)
        self._booting = False

    async def _read(self) -> None:
        """Read for as long as the child speaks: an unread child blocks after 100 messages."""
        with foreign_errors(self._stderr):
            async for message in self._client.receive_messages():
                self._pulse.beat()
                ended = self._prompts.hear(message)
                if ended is not None and ended.session_cost_usd is not None:
                    self.on_cost(ended.session_cost_usd)
        raise ConversationDied("the child closed its output")

    async def _rest(self) -> None:
        """Wait until the child is done with the last prompt, whose answer is complete.

        An addition that nobody has come for is not waited for, but ended.
        """
        while (last := self._prompts.current) is not None and not self.silenced:
            if not last.heard.is_set() or not await within(_REST_S, last.finished):
                await self._silence(last)

    async def _stop(self, asking: Asking) -> None:
        """Have the child drop a prompt: in a turn it would not end before the turn does."""
        if not asking.heard.is_set() or not await within(_REST_S, asking.finished):
            await self._interrupt()

    async def _silence(self, asking: Asking, *, within_s: float = _SILENCE_S) -> None:
        """Interrupt a prompt and see its last message, or else end the child."""
        asking.interrupt()
        try:
            async with asyncio.timeout(within_s):
                await self._interrupt()
                await asking.finished.wait()
        except TimeoutError:
            log.warning("child_silent", bot=self.bot.id, session=self.session_id)
            self.silenced = True
            self._kill()

    async def _interrupt(self) -> None:
        try:
            async with asyncio.timeout(_INTERRUPT_S):
                with foreign_errors(self._stderr):
                    await self._client.interrupt()
        except (TimeoutError, AgentError) as error:
            log.warning("interrupt_failed", bot=self.bot.id, why=str(error) or "no answer")

    def _leave(self, *, again: bool = False) -> None:
        """Have the owner end the child. A second time cuts its orderly end short."""
        if self._owner is not None and (again or not self._leaving):
            self._leaving = True
            self._boots.release(self.ticket)
            self._owner.cancel()

    def _release(self) -> None:
        """Tell whoever waits that the child is gone."""
        self._fit = False
        self._end = self._end or ConversationDied("the conversation was closed")
        self._ready.set()
        self._prompts.fail(self._end)

    def _kill(self) -> None:
        if not self.ended.is_set():
            self._brake.kill(self.pid)
