"""One open conversation: a child process, the one reader of what it says, and who asks it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, Protocol

import structlog
from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient, Message

from bot.agent.child import kill, resident_bytes
from bot.agent.folders import AgentFolders
from bot.agent.options import agent_options
from bot.agent.reply import Asking, Reply
from bot.agent.start import Start
from bot.agent.translate import BrokenConfig, foreign_errors
from bot.config.bot import Bot
from bot.config.settings import AgentAccess
from bot.errors import AgentError, AgentStartFailed, ConversationDied, TurnTimedOut

log = structlog.get_logger(__name__)

#: From an interrupt to the last message of its prompt: the child needs 40 ms, a hung one for ever.
_SILENCE_S = 5.0
#: The same when nobody waits for that message any more.
_INTERRUPT_S = 2.0
#: From a complete answer to the last message: the child needs 2 ms, to write it down.
_REST_S = 1.0
#: An idle child is gone 25 ms after its input closes; a hung one would take 10 s to give up on.
_CLOSE_S = 2.0
_STDERR_LINES = 20


class Client(Protocol):
    """What a conversation uses of the SDK's client."""

    async def connect(self) -> None:
        """Start the child."""

    async def get_server_info(self) -> dict[str, Any] | None:
        """Return what the child said of itself when it started: ``pid`` among others."""

    async def query(self, prompt: AsyncIterator[dict[str, Any]]) -> None:
        """Send a prompt."""

    def receive_messages(self) -> AsyncIterator[Message]:
        """Yield all that the child says, until it ends."""
        ...

    async def interrupt(self) -> None:
        """Have the child drop what it is doing."""

    async def disconnect(self) -> None:
        """End the child. May be called again when it was cancelled."""


class Conversation:
    """An open client on a session.

    `run` is its owner, from boot to end: it belongs into a task group. Any task of the same loop
    may `ask`, one at a time; whoever asks is told when the child dies. *on_cost* is told what the
    child has counted for the session, in US dollars, after each prompt.
    """

    def __init__(
        self,
        bot: Bot,
        start: Start,
        *,
        access: AgentAccess,
        folders: AgentFolders,
        boots: asyncio.Semaphore,
        on_cost: Callable[[float], None],
        client: Callable[[ClaudeAgentOptions], Client] = ClaudeSDKClient,
    ) -> None:
        self.bot = bot
        self.session_id = start.session_id
        self.ended = asyncio.Event()
        #: Whether it ends because we want it to.
        self.closing = False
        #: Whether the child ended on its own, after it had booted.
        self.died = False
        self._folders = folders
        self._boots = boots
        self._on_cost = on_cost
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
        self._asking: Asking | None = None
        self._pid: int | None = None

    @property
    def usable(self) -> bool:
        """Whether a next prompt can be sent: open, and not left in the middle of one."""
        return self._fit

    @property
    def memory_bytes(self) -> int | None:
        """Resident bytes of the child and what it started; None while there is none."""
        return resident_bytes(self._pid) if self._pid is not None else None

    async def run(self) -> None:
        """Own the child: start it, read all it says, see it end. Returns when it is gone."""
        if self.closing:
            return
        self._owner = asyncio.current_task()
        try:
            async with self._boots:
                await self._connect()
            self._fit = True
            self._ready.set()
            await self._read()
        except AgentError as error:
            self._end = error
            self.died = self._ready.is_set() and not self.closing
        finally:
            self._leaving = True
            self._release()
            try:
                await self._disconnect()
            finally:
                self.ended.set()

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

    async def ask(self, text: str, *, prompt_uuid: str, timeout_s: float) -> Reply:
        """Send one prompt and return its answer, as soon as that is complete.

        The child may still be writing it down then; the next prompt waits for that. Raises
        ConversationDied, ModelFailed, or TurnTimedOut, after which the prompt is interrupted and
        its answer can no longer come.
        """
        await self._rest()
        if not self.usable:
            raise self._end or ConversationDied("the conversation cannot be asked")
        asking = self._asking = Asking(prompt_uuid, now=asyncio.get_running_loop().time())
        try:
            async with asyncio.timeout(timeout_s):
                await self._send(text, prompt_uuid)
                await asking.heard.wait()
        except TimeoutError:
            await self._silence(asking)
            if not asking.answered:  # it may have been answered just then: the agent knows it
                raise TurnTimedOut(f"no answer within {timeout_s:g} s") from None
        finally:
            if not asking.heard.is_set():
                self._fit = False  # its answer may still come; `close` interrupts it
        return asking.reply()

    async def close(self) -> None:
        """End the conversation, whatever it is doing. Returns when the child is gone."""
        self.closing, self._fit = True, False
        if self._owner is None:  # it never ran, and will not
            self._release()
            self.ended.set()
        try:
            if self._asking is not None and not self._leaving:
                await self._stop(self._asking)
        finally:
            self._leave()
        await self.ended.wait()

    async def _connect(self) -> None:
        with foreign_errors(self._stderr):
            await asyncio.to_thread(self._folders.prepare, self.bot, self.session_id)
            try:
                with foreign_errors(self._stderr):
                    await self._client.connect()
            except BrokenConfig:
                # One damaged file fails every start of this bot; the child writes it anew.
                log.warning("agent_config_removed", bot=self.bot.id)
                self._folders.drop_child_settings(self.bot.id)
                await self._client.connect()
            server = await self._client.get_server_info() or {}
        self._pid = server.get("pid")

    async def _read(self) -> None:
        """Read for as long as the child speaks: an unread child blocks after 100 messages."""
        with foreign_errors(self._stderr):
            async for message in self._client.receive_messages():
                if self._asking is not None:
                    self._hear(message, self._asking)
        raise ConversationDied("the child closed its output")

    def _hear(self, message: Message, asking: Asking) -> None:
        asking.take(message, now=asyncio.get_running_loop().time())
        if asking.finished.is_set():
            self._asking = None
            if asking.session_cost_usd is not None:
                self._on_cost(asking.session_cost_usd)

    async def _rest(self) -> None:
        """Wait until the child is done with the last prompt, whose answer is complete."""
        last = self._asking
        if last is None or not last.heard.is_set():
            return
        if not await _within(_REST_S, last.finished):
            await self._silence(last)

    async def _stop(self, asking: Asking) -> None:
        """Have the child drop a prompt: in a turn it would not end before the turn does."""
        if not asking.heard.is_set() or not await _within(_REST_S, asking.finished):
            await self._interrupt()

    async def _send(self, text: str, prompt_uuid: str) -> None:
        with foreign_errors(self._stderr):
            await self._client.query(_prompt(text, prompt_uuid))

    async def _silence(self, asking: Asking) -> None:
        """Interrupt a prompt and see its last message, or else end the child."""
        asking.interrupt()
        try:
            async with asyncio.timeout(_SILENCE_S):
                await self._interrupt()
                await asking.finished.wait()
        except TimeoutError:
            log.warning("child_silent", bot=self.bot.id, session=self.session_id)
            self._kill()

    async def _interrupt(self) -> None:
        try:
            async with asyncio.timeout(_INTERRUPT_S):
                with foreign_errors(self._stderr):
                    await self._client.interrupt()
        except (TimeoutError, AgentError) as error:
            log.warning("interrupt_failed", bot=self.bot.id, why=str(error) or "no answer")

    def _leave(self) -> None:
        """Have the owner end the child. Once: a second time would cut its orderly end short."""
        if self._owner is not None and not self._leaving:
            self._leaving = True
            self._owner.cancel()

    async def _disconnect(self) -> None:
        """Let the child go; one that does not listen is ended."""
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._client.disconnect()
        except TimeoutError:
            self._kill()
            await self._client.disconnect()
        except asyncio.CancelledError:
            self._kill()
            raise

    def _release(self) -> None:
        """Tell whoever waits that the child is gone."""
        self._fit = False
        self._end = self._end or ConversationDied("the conversation was closed")
        self._ready.set()
        if self._asking is not None:
            self._asking.fail(self._end)
            self._asking = None

    def _kill(self) -> None:
        if self._pid is not None:
            kill(self._pid)


async def _within(seconds: float, event: asyncio.Event) -> bool:
    """Wait for *event*, so long at most."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


async def _prompt(text: str, prompt_uuid: str) -> AsyncIterator[dict[str, Any]]:
    """Yield the one message of a prompt; sent as a plain string it could carry no uuid."""
    yield {
        "type": "user",
        "uuid": prompt_uuid,
        "message": {"role": "user", "content": text},
        "parent_tool_use_id": None,
    }
