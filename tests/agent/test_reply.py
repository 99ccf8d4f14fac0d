"""How the child's messages become a reply."""

import weakref
from collections.abc import Callable
from typing import Any

import pytest
from claude_agent_sdk import StreamEvent

from bot.agent.reply import Asking, Nobody, Reply
from bot.errors import ConversationDied, ModelFailed
from tests.agent.fakes import TEXT, aborted, event, result, spoken

UUID = "uuid of the prompt"


def after(*messages: Any) -> Asking:
    """Return a prompt of second 100 that heard one message a second."""
    asking = Asking(UUID, now=100.0)
    for second, message in enumerate(messages, 101):
        asking.take(message, now=float(second))
    return asking


def token(within: str | None = None) -> StreamEvent:
    """Return a token of the answer, or of a sub-agent's."""
    return event("content_block_delta", within)


def streamed(*texts: str, stop_reason: str = "end_turn", blocks: int | None = None) -> list[Any]:
    """Return a whole message as it is streamed, with as many blocks as texts or as told."""
    began = [event("content_block_start", content_block=TEXT)] * (
        len(texts) if blocks is None else blocks
    )
    ended = event("message_delta", delta={"stop_reason": stop_reason})
    return [event("message_start"), *began, *map(spoken, texts), ended, event("message_stop")]


def test_reply_has_its_figures() -> None:
    """First token and end are counted from the prompt; the cost is the session's."""
    asking = after(token(), token(), spoken("Hi."), result(UUID, total_cost_usd=0.25))
    assert asking.reply() == Reply(text="Hi.", first_token_s=1.0, duration_s=4.0)
    assert asking.session_cost_usd == 0.25


def test_words_around_tools_belong_together() -> None:
    """What is said before, between and after tool calls is one answer, in order."""
    said = (spoken("Let me look."), spoken(), spoken("Found.", "It rains."), spoken("  \n"))
    assert after(*said, result(UUID, result="It rains.")).reply().text == (
        "Let me look.\n\nFound.\n\nIt rains."
    )


def test_sub_agents_are_not_quoted() -> None:
    """Neither their words nor their first token are the agent's."""
    reply = after(token("tool"), spoken("secret", within="tool"), spoken("Hi."), result(UUID))
    assert reply.reply().text == "Hi."
    assert reply.reply().first_token_s is None


def test_silent_answer_is_empty() -> None:
    """An agent that only used tools has said nothing; no cost is no cost."""
    asking = after(result(UUID, result=None, total_cost_usd=None))
    assert (asking.reply().text, asking.session_cost_usd) == ("", None)


def test_failed_call_is_not_quoted() -> None:
    """The child puts a failed call into words of its own: they are no answer."""
    asking = after(
        spoken("API Error: 529", error="server_error"),
        result(UUID, is_error=True, result="API Error: 529 overloaded"),
    )
    with pytest.raises(ModelFailed, match="529 overloaded") as failed:
        asking.reply()
    assert failed.value.reason == "unavailable"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"subtype": "error_max_turns", "is_error": True}, "max_turns"),
        ({"subtype": "error_max_turns", "is_error": False}, "max_turns"),
        ({"subtype": "error_max_budget_usd", "is_error": True}, "budget"),
        ({"is_error": True, "api_error_status": 401}, "key"),
        ({"is_error": True, "api_error_status": 402}, "billing"),
        ({"is_error": True, "api_error_status": 403}, "key"),
        ({"is_error": True, "api_error_status": 429}, "rate_limit"),
        ({"is_error": True, "api_error_status": 500}, "unavailable"),
        ({"is_error": True, "api_error_status": 529}, "overloaded"),
        ({"is_error": True, "api_error_status": 400, "result": "Credit balance is low"}, "billing"),
        ({"is_error": True, "api_error_status": 400, "result": "prompt is too long"}, "unknown"),
        ({"subtype": "error_of_the_future", "is_error": False}, "unknown"),
        ({"is_error": True, "errors": ["one", "two"]}, "unknown"),
    ],
)
def test_failure_has_a_reason(fields: dict[str, Any], reason: str) -> None:
    """The room is told whose fault it is; the operator reads the child's words."""
    with pytest.raises(ModelFailed) as failed:
        after(result(UUID, **fields)).reply()
    assert failed.value.reason == reason
    assert str(failed.value)


def test_nameless_result_is_for_who_was_interrupted() -> None:
    """Only a prompt that was interrupted takes a result without a name for its own."""
    asking = after(aborted())
    assert not asking.finished.is_set()
    asking.interrupt()
    asking.take(aborted("another"), now=102.0)
    assert not asking.finished.is_set()
    asking.take(aborted(), now=103.0)
    assert asking.finished.is_set()
    assert not asking.answered


def test_death_after_the_answer_changes_nothing() -> None:
    """What was answered stays answered."""
    asking = after(spoken("Hi."), result(UUID))
    asking.fail(ConversationDied("too late"))
    assert asking.reply().text == "Hi."


def test_unknown_messages_are_passed_over() -> None:
    """A later child may say things that this one does not."""
    assert after("news of another kind", None, spoken("Hi."), result(UUID)).reply().text == "Hi."


def test_complete_answer_does_not_wait_for_the_result() -> None:
    """It is there when its message says why it ended; the cost comes with the result."""
    asking = after(*streamed("Hi.", "Kim."))
    assert asking.heard.is_set()
    assert asking.answered
    assert not asking.finished.is_set()
    assert asking.reply() == Reply(text="Hi.\n\nKim.", first_token_s=None, duration_s=6.0)
    asking.take(result(UUID, total_cost_usd=0.25), now=200.0)
    assert asking.finished.is_set()
    assert (asking.reply().duration_s, asking.session_cost_usd) == (6.0, 0.25)


@pytest.mark.parametrize(
    "message",
    [
        streamed("Let me look.", stop_reason="tool_use"),
        streamed("And so on and", stop_reason="max_tokens"),
        streamed("Half of", blocks=2),
        streamed(),
    ],
    ids=["tool", "cut off", "not heard yet", "silent"],
)
def test_what_may_go_on_waits_for_the_result(message: list[Any]) -> None:
    """After a tool the agent goes on; what was not heard as a whole is not said in part."""
    asking = after(*message)
    assert not asking.heard.is_set()
    asking.take(result(UUID), now=200.0)
    assert asking.heard.is_set()


class Heeding(Nobody):
    """A listener that keeps what it was told, and "…" where that went on."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def complete(self, text: str) -> None:
        """Keep it."""
        self.texts.append(text)

    def goes_on(self) -> None:
        """Keep that, too."""
        self.texts.append("…")


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (("Hi.",), ["Hi."]),
        (("Hi.", "Kim."), ["Hi.\n\nKim."]),
        (("  \n",), []),
    ],
)
def test_a_complete_text_is_told_before_its_end(texts: tuple[str, ...], told: list[str]) -> None:
    """Once, when all of it was heard as a whole; by then it is not known whether that was all."""
    heeding, asking = Heeding(), Asking(UUID, now=100.0)
    asking.tell(heeding)
    *began, _end, _stop = streamed(*texts)
    for message in began:
        asking.take(message, now=101.0)
    assert (heeding.texts, asking.heard.is_set()) == (told, False)


@pytest.mark.parametrize("reason", ["max_tokens", "refusal", "tool_use", "of a later child"])
def test_it_is_told_that_a_complete_text_goes_on(reason: str) -> None:
    """As soon as it is known, and not only when all has ended."""
    heeding, asking = Heeding(), Asking(UUID, now=100.0)
    asking.tell(heeding)
    for message in streamed("Hi.", stop_reason=reason):
        asking.take(message, now=101.0)
    assert heeding.texts == ["Hi.", "…"]
    assert not asking.heard.is_set()


def test_it_is_told_that_the_child_asks_again() -> None:
    """The connection broke before the end, and what comes now is another message."""
    heeding, asking = Heeding(), Asking(UUID, now=100.0)
    asking.tell(heeding)
    for message in (*streamed("Hi.")[:-2], *streamed("Kim.")[:-2]):
        asking.take(message, now=101.0)
    assert heeding.texts == ["Hi.", "…", "Hi.\n\nKim."]


def _heard(asking: Asking) -> None:
    for message in streamed("Hi."):
        asking.take(message, now=101.0)


def _failed(asking: Asking) -> None:
    asking.fail(ConversationDied("exit code -9"))


@pytest.mark.parametrize("end", [_heard, _failed])
@pytest.mark.parametrize("early", [True, False])
def test_whoever_has_heard_is_let_go(*, end: Callable[[Asking], None], early: bool) -> None:
    """A listener knows what it follows: both would stay in memory until garbage is looked for."""
    heeding, asking = Heeding(), Asking(UUID, now=100.0)
    if early:
        asking.tell(heeding)
    end(asking)
    if not early:
        asking.tell(heeding)
    known = weakref.ref(heeding)
    del heeding
    assert known() is None


@pytest.mark.parametrize("why", ["extended", "interrupted"])
def test_a_text_that_others_belong_to_is_not_told(why: str) -> None:
    """What was added may be answered with it, and what was interrupted is no answer."""
    heeding, asking = Heeding(), Asking(UUID, now=100.0)
    asking.tell(heeding)
    if why == "extended":
        asking.extended = True
    else:
        asking.interrupt()
    for message in (*streamed("Hi."), result(UUID)):
        asking.take(message, now=101.0)
    assert "Hi." not in heeding.texts


def test_words_before_a_tool_belong_to_the_early_answer() -> None:
    """The answer is all that was said, when the last message ends."""
    asking = after(*streamed("Let me look.", stop_reason="tool_use"), *streamed("It rains."))
    assert asking.reply().text == "Let me look.\n\nIt rains."
    assert not asking.finished.is_set()


def test_sub_agent_does_not_end_the_answer() -> None:
    """Its messages end while the agent's own goes on."""
    asking = after(spoken("Let me ask."), event("message_stop", "tool"))
    assert not asking.heard.is_set()


def test_death_after_a_complete_answer_changes_nothing() -> None:
    """The room gets what was said completely, whether the child could write it down or not."""
    asking = after(*streamed("Hi."))
    asking.fail(ConversationDied("too late"))
    assert asking.finished.is_set()
    assert asking.reply().text == "Hi."


def piece(text: str, within: str | None = None) -> StreamEvent:
    """Return a piece of a text block."""
    return event("content_block_delta", within, delta={"type": "text_delta", "text": text})


BEGIN = event("message_start")
BLOCK = event("content_block_start", content_block=TEXT)


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ((), ""),
        ((BEGIN, BLOCK, piece("Let "), piece("me")), "Let me"),
        ((BEGIN, BLOCK, piece("Let me"), spoken("Let me.")), "Let me."),
        ((BEGIN, BLOCK, spoken("One."), BLOCK, piece("Tw")), "One.\n\nTw"),
        ((BEGIN, BLOCK, spoken("One."), BEGIN, BLOCK, piece("Two")), "One.\n\nTwo"),
        ((BEGIN, BLOCK, piece("broken o"), BEGIN, BLOCK, piece("Ag")), "Ag"),
        ((BEGIN, BLOCK, piece("Hi"), piece("secret", "tool")), "Hi"),
        ((BEGIN, BLOCK, piece(" \n")), ""),
    ],
)
def test_what_was_said_so_far(messages: tuple[Any, ...], said: str) -> None:
    """Whole blocks and the pieces of the one at hand; what broke off is taken back."""
    assert after(*messages).said() == said


def test_what_is_not_text_is_not_said() -> None:
    """Neither thoughts nor what a tool is called with."""
    thought = event("content_block_delta", delta={"type": "thinking_delta", "thinking": "Hm"})
    call = event("content_block_delta", delta={"type": "input_json_delta", "partial_json": "{"})
    assert after(BEGIN, thought, BLOCK, call, piece("Hi")).said() == "Hi"
