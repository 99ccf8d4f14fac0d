"""What comes back from one prompt: collected message by message, then read as a reply."""

import asyncio
from dataclasses import dataclass

from claude_agent_sdk import AssistantMessage, Message, ResultMessage, StreamEvent, TextBlock

from bot.agent.translate import failure_of
from bot.errors import AgentError


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """The agent's answer to one prompt."""

    #: Everything the agent said to the room, as Markdown; "" when it only used tools.
    text: str
    #: US dollars of the whole session so far, as the child counts them: it starts again at 0
    #: after a crash.
    session_cost_usd: float
    #: Seconds from the prompt to the first token; None when the model streamed none.
    first_token_s: float | None
    #: Seconds from the prompt to the result.
    duration_s: float


class Asking:
    """One prompt that waits for its result."""

    def __init__(self, prompt_uuid: str, *, now: float) -> None:
        self.prompt_uuid = prompt_uuid
        self.finished = asyncio.Event()
        self._asked_at = now
        self._first_token_at: float | None = None
        self._texts: list[str] = []
        self._result: ResultMessage | None = None
        self._result_at = now
        self._error: AgentError | None = None
        self._api_error: str | None = None
        self._interrupted = False

    def take(self, message: Message, *, now: float) -> None:
        """Read one message of the child."""
        match message:
            case StreamEvent(parent_tool_use_id=None, event={"type": "content_block_delta"}):
                self._first_token_at = self._first_token_at or now
            case AssistantMessage(parent_tool_use_id=None):
                self._say(message)
            case ResultMessage() if self._is_mine(message):
                self._result, self._result_at = message, now
                self.finished.set()
            case _:
                pass  # what a sub-agent says, and news of kinds that a later child may add

    @property
    def answered(self) -> bool:
        """Whether the agent has answered: `reply` will not raise."""
        result = self._result
        return result is not None and not result.is_error and result.subtype == "success"

    def interrupt(self) -> None:
        """Expect the result of an interrupted prompt, which may name no prompt at all."""
        self._interrupted = True

    def fail(self, error: AgentError) -> None:
        """End the wait: the child is gone."""
        if not self.finished.is_set():
            self._error = error
            self.finished.set()

    def reply(self) -> Reply:
        """Return the answer, once finished.

        Raises ConversationDied or ModelFailed.
        """
        if self._error is not None:
            raise self._error
        result = self._result
        assert result is not None, "read before it finished"  # noqa: S101 - a caller's bug
        if not self.answered:
            raise failure_of(result, self._api_error)
        return Reply(
            text="\n\n".join(self._texts) or result.result or "",
            session_cost_usd=result.total_cost_usd or 0.0,
            first_token_s=self._first_token_at and self._first_token_at - self._asked_at,
            duration_s=self._result_at - self._asked_at,
        )

    def _say(self, message: AssistantMessage) -> None:
        """Keep what the agent said; a failed call comes as a message of its own, which is not."""
        if message.error is not None:
            self._api_error = message.error
            return
        said = (block.text for block in message.content if isinstance(block, TextBlock))
        self._texts.extend(text for text in said if text.strip())

    def _is_mine(self, result: ResultMessage) -> bool:
        named = (result.user_message_uuid, *(result.user_message_uuids or ()))
        return self.prompt_uuid in named or (self._interrupted and named == (None,))
