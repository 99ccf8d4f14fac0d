"""What a conversation needs of the SDK's client, and how it is asked."""

from collections.abc import AsyncIterator
from typing import Any, Protocol

from claude_agent_sdk import Message

#: What a prompt is sent as: a text, or blocks of the Messages API.
Content = str | list[dict[str, Any]]


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


async def one_prompt(content: Content, prompt_uuid: str) -> AsyncIterator[dict[str, Any]]:
    """Yield the one message of a prompt; sent as a plain string it could carry no uuid."""
    yield {
        "type": "user",
        "uuid": prompt_uuid,
        "message": {"role": "user", "content": content},
        "parent_tool_use_id": None,
    }
