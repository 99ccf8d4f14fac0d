"""A client of the SDK without a child: the test says what the child says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from claude_agent_sdk import (
    AssistantMessage,
    ClaudeAgentOptions,
    Message,
    ProcessError,
    ResultMessage,
    StreamEvent,
    TextBlock,
)


class FakeClient:
    """What `Conversation` needs, and a record of how it was used."""

    def __init__(self) -> None:
        self.options: ClaudeAgentOptions | None = None
        #: One word a call, in order.
        self.calls: list[str] = []
        self.prompts: list[dict[str, Any]] = []
        #: What the conversation was told that the child had counted.
        self.costs: list[float] = []
        #: Raised by the next connects, in order.
        self.refusals: list[Exception] = []
        #: Set before `connect` returns.
        self.boots = asyncio.Event()
        self.boots.set()
        #: Set before `query` returns.
        self.listens = asyncio.Event()
        self.listens.set()
        #: Set before `interrupt` returns.
        self.obeys = asyncio.Event()
        self.obeys.set()
        #: Set before `disconnect` returns.
        self.leaves = asyncio.Event()
        self.leaves.set()
        #: What the child says when it is interrupted.
        self.on_interrupt: Callable[[], None] = lambda: None
        self._said: asyncio.Queue[Message | Exception | None] = asyncio.Queue()
        self._noted = asyncio.Event()

    def __call__(self, options: ClaudeAgentOptions) -> "FakeClient":
        """Stand in for the class."""
        self.options = options
        return self

    async def connect(self) -> None:
        """Boot, or refuse to."""
        self._note("connect")
        await self.boots.wait()
        if self.refusals:
            raise self.refusals.pop(0)

    async def get_server_info(self) -> dict[str, Any] | None:
        """Tell no pid: there is no process to be killed."""
        return None

    async def query(self, prompt: AsyncIterator[dict[str, Any]]) -> None:
        """Take a prompt."""
        self._note("query")
        await self.listens.wait()
        self.prompts.extend([part async for part in prompt])

    async def receive_messages(self) -> AsyncIterator[Message]:
        """Yield what the test says."""
        while (said := await self._said.get()) is not None:
            if isinstance(said, Exception):
                raise said
            yield said

    async def interrupt(self) -> None:
        """Take an interrupt."""
        self._note("interrupt")
        await self.obeys.wait()
        self.on_interrupt()

    async def disconnect(self) -> None:
        """End."""
        self._note("disconnect")
        await self.leaves.wait()

    async def called(self, name: str, *, times: int = 1) -> None:
        """Wait until it was called so."""
        async with asyncio.timeout(10):
            while self.calls.count(name) < times:
                self._noted.clear()
                await self._noted.wait()

    def _note(self, name: str) -> None:
        self.calls.append(name)
        self._noted.set()

    def say(self, *messages: Message | Exception) -> None:
        """Have the child say something, or the SDK raise it."""
        for message in messages:
            self._said.put_nowait(message)

    def answer(self, uuid: str, text: str) -> None:
        """Have the child answer a prompt."""
        self.say(spoken(text), result(uuid, result=text))

    def stream(self, text: str, *, stop_reason: str = "end_turn") -> None:
        """Have the child say something as it is streamed, without the result that follows."""
        self.say(event("message_start"), event("content_block_start", content_block=TEXT))
        self.say(event("content_block_delta"), spoken(text), event("content_block_stop"))
        self.say(event("message_delta", delta={"stop_reason": stop_reason}), event("message_stop"))

    def die(self) -> None:
        """Have the child be killed."""
        self.say(ProcessError("Command failed", exit_code=-9))

    def end(self) -> None:
        """Have the child close its output."""
        self._said.put_nowait(None)


TEXT = {"type": "text", "text": ""}


def event(kind: str, within: str | None = None, **fields: Any) -> StreamEvent:
    """Return an event of a message that is being streamed."""
    return StreamEvent(
        uuid="x", session_id="x", event={"type": kind, **fields}, parent_tool_use_id=within
    )


def spoken(*texts: str, within: str | None = None, error: Any = None) -> AssistantMessage:
    """Return a message of the agent, or of a sub-agent that works *within* a tool call."""
    blocks: list[Any] = [TextBlock(text=text) for text in texts]
    return AssistantMessage(
        content=blocks, model="claude-sonnet-4-5", parent_tool_use_id=within, error=error
    )


def result(*uuids: str, **fields: Any) -> ResultMessage:
    """Return the result of the prompts that are named."""
    given: dict[str, Any] = {
        "subtype": "success",
        "duration_ms": 1,
        "duration_api_ms": 1,
        "is_error": False,
        "num_turns": 1,
        "session_id": "5c6ad9c2-4bd9-4c46-bd0b-f8b1cbbf9c0d",
        "total_cost_usd": 0.5,
        "user_message_uuid": uuids[-1] if uuids else None,
        "user_message_uuids": list(uuids) or None,
    }
    return ResultMessage(**(given | fields))


def aborted(*uuids: str) -> ResultMessage:
    """Return the result of an interrupted prompt."""
    return result(
        *uuids,
        subtype="error_during_execution",
        is_error=True,
        terminal_reason="aborted_streaming",
    )
