"""What comes back from one prompt: collected message by message, then read as a reply."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from claude_agent_sdk import (
    AssistantMessage,
    Message,
    ResultMessage,
    StreamEvent,
    SystemMessage,
    TextBlock,
)

from bot.agent.translate import failure_of
from bot.errors import AgentError

#: After these the model has nothing more to say; after others the child goes on by itself.
_LAST_WORDS = frozenset({"end_turn", "stop_sequence"})
_READ = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """The agent's answer to one prompt."""

    #: Everything the agent said to the room, as Markdown; "" when it only used tools.
    text: str
    #: Seconds from the prompt to the first token; None when the model streamed none.
    first_token_s: float | None
    #: Seconds from the prompt to the complete answer.
    duration_s: float
    #: The uuids of all prompts that it answers, when those were several; else ().
    prompts: tuple[str, ...] = ()
    #: Under which of them the transcript has it; None: under the one that was asked.
    kept_as: str | None = None
    #: What the model read for its last words, cached or not; 0 when nobody counted.
    context_tokens: int = 0
    #: What is left of the conversation, in tokens, after it was summed up; None when it was not.
    compacted_to: int | None = None


class Listener(Protocol):
    """Somebody who wants to know an answer before it is complete."""

    def follow(self, said: Callable[[], str]) -> None:
        """Take *said*, which returns what was said so far, as Markdown that may end anywhere.

        Called again when the question is asked again.
        """
        ...

    def complete(self, text: str) -> None:
        """Take the *text* of what is likely to be the whole answer.

        Why the model stopped, the child says a moment later: only then it is known.
        """
        ...

    def goes_on(self) -> None:
        """Take note that it was not: more is said, or asked of the model."""
        ...


class Nobody:
    """Nobody listens."""

    def follow(self, said: Callable[[], str]) -> None:
        """Let it be said."""

    def complete(self, text: str) -> None:
        """Let it be said."""

    def goes_on(self) -> None:
        """Let it be said."""


NOBODY = Nobody()


class Asking:
    """One prompt: first its answer is complete, and a little later its result ends it.

    The child writes its transcript in between, for which nobody in the room has to wait.
    """

    def __init__(self, prompt_uuid: str, *, now: float) -> None:
        self.prompt_uuid = prompt_uuid
        #: The answer is complete, or there will be none.
        self.heard = asyncio.Event()
        #: The child is done with the prompt, or gone.
        self.finished = asyncio.Event()
        #: US dollars of the whole session so far, as the child counts them: it starts again at 0
        #: after a crash. None before the result.
        self.session_cost_usd: float | None = None
        #: Whether whoever asked waits no more.
        self.abandoned = False
        #: Whether something was added: its result says what it answers, so that is waited for.
        self.extended = False
        self._asked_at = now
        self._first_token_at: float | None = None
        self._texts: list[str] = []
        #: Text blocks of the message that is being streamed which were not heard as a whole yet,
        #: in the pieces in which they come.
        self._growing: list[list[str]] = []
        self._stop_reason: object = None
        self._context_tokens = 0
        self._compacted_to: int | None = None
        self._heard_at = now
        self._result: ResultMessage | None = None
        self._error: AgentError | None = None
        self._api_error: str | None = None
        self._interrupted = False
        self._listener: Listener = NOBODY

    def tell(self, listener: Listener) -> None:
        """Have *listener* know the answer before it is complete."""
        if not self.heard.is_set():
            self._listener = listener
        listener.follow(self.said)

    def take(self, message: Message, *, now: float) -> None:
        """Read one message of the child."""
        match message:
            case StreamEvent(parent_tool_use_id=None, event=event):
                self._follow(event, now)
            case AssistantMessage(parent_tool_use_id=None):
                self._say(message)
            case SystemMessage(subtype="compact_boundary", data=data):
                self._compacted_to = int(data.get("compact_metadata", {}).get("post_tokens", 0))
            case ResultMessage() if self._is_mine(message):
                self._result, self.session_cost_usd = message, message.total_cost_usd
                self._end(now)
            case _:
                pass  # what a sub-agent says, and news of kinds that a later child may add

    def begin(self, now: float, *, extended: bool) -> None:
        """Take note that the child turns to it, who was sent earlier."""
        self._asked_at = self._heard_at = now
        self.extended = extended

    @property
    def named(self) -> tuple[str, ...]:
        """The prompts that its result has ended, itself among them."""
        return (self._result and tuple(self._result.user_message_uuids or ())) or (
            self.prompt_uuid,
        )

    def said(self) -> str:
        """Return what was said so far. What broke off in the middle is taken back."""
        growing = ("".join(pieces) for pieces in self._growing)
        return "\n\n".join((*self._texts, *(text for text in growing if text.strip())))

    @property
    def answered(self) -> bool:
        """Whether the agent has answered: `reply` will not raise."""
        result = self._result
        if result is None:
            return self.heard.is_set() and self._error is None
        return not result.is_error and result.subtype == "success"

    def interrupt(self) -> None:
        """Expect the result of an interrupted prompt, which may name no prompt at all."""
        self._interrupted = True

    def fail(self, error: AgentError) -> None:
        """End the wait: the child is gone."""
        if not self.finished.is_set():
            # What was said completely stays said.
            self._error = None if self.heard.is_set() else error
            self._listener = NOBODY
            self.heard.set()
            self.finished.set()

    def reply(self) -> Reply:
        """Return the answer, once heard.

        Raises ConversationDied or ModelFailed.
        """
        if self._error is not None:
            raise self._error
        assert self.heard.is_set(), "read before it was complete"  # noqa: S101 - a caller's bug
        result = self._result
        if result is not None and not self.answered:
            raise failure_of(result, self._api_error)
        return Reply(
            text=self._text or (result and result.result) or "",
            first_token_s=self._first_token_at and self._first_token_at - self._asked_at,
            duration_s=self._heard_at - self._asked_at,
            prompts=self.named if self.extended else (),
            kept_as=result.user_message_uuid if result is not None and self.extended else None,
            context_tokens=self._context_tokens,
            compacted_to=self._compacted_to,
        )

    @property
    def _text(self) -> str:
        return "\n\n".join(self._texts)

    def _follow(self, event: dict[str, Any], now: float) -> None:
        """Follow the stream of one message, to know when the last one has ended."""
        match event:
            case {"type": "content_block_delta"}:
                self._first_token_at = self._first_token_at or now
                self._grow(event)
            case {"type": "message_start"}:
                self._growing, self._stop_reason = [], None
                self._go_on()
            case {"type": "content_block_start", "content_block": {"type": "text"}}:
                self._growing.append([])
            case {"type": "message_delta", "delta": {"stop_reason": reason}}:
                # It comes after all that is said; what ends the stream, a moment later.
                self._stop_reason = reason
                if not self._complete:
                    self._go_on()
                elif not self.heard.is_set():
                    self._hear(now)

    @property
    def _complete(self) -> bool:
        return self._stop_reason in _LAST_WORDS and self._said_all

    @property
    def _said_all(self) -> bool:
        """Whether this is the answer, if the model has nothing more to say."""
        alone = not self._interrupted and not self.extended
        return alone and bool(self._texts) and not self._growing

    def _grow(self, event: dict[str, Any]) -> None:
        # For each token: a pattern would take as long as all the rest.
        delta = event.get("delta")
        if delta is not None and self._growing and delta.get("type") == "text_delta":
            self._growing[-1].append(delta.get("text", ""))

    def _go_on(self) -> None:
        if self._texts:
            self._listener.goes_on()

    def _hear(self, now: float) -> None:
        """Be complete: nobody has to listen any more, nor is kept in memory for that."""
        self._heard_at, self._listener = now, NOBODY
        self.heard.set()

    def _end(self, now: float) -> None:
        if not self.heard.is_set():
            self._hear(now)
        self.finished.set()

    def _say(self, message: AssistantMessage) -> None:
        """Keep what the agent said; a failed call comes as a message of its own, which is not."""
        if message.error is not None:
            self._api_error = message.error
            return
        self._context_tokens = _tokens(message.usage or {}) or self._context_tokens
        said = [block.text for block in message.content if isinstance(block, TextBlock)]
        del self._growing[: len(said)]
        self._texts.extend(text for text in said if text.strip())
        if self._said_all and not self.heard.is_set():
            self._listener.complete(self._text)

    def _is_mine(self, result: ResultMessage) -> bool:
        named = (result.user_message_uuid, *(result.user_message_uuids or ()))
        return self.prompt_uuid in named or (self._interrupted and named == (None,))


def _tokens(usage: Mapping[str, Any]) -> int:
    """Add up what a message says that the model read for it."""
    return sum(usage[name] for name in _READ if isinstance(usage.get(name), int))
