"""How the child's messages become a reply."""

from typing import Any

import pytest
from claude_agent_sdk import StreamEvent

from bot.agent.reply import Asking, Reply
from bot.errors import ConversationDied, ModelFailed
from tests.agent.fakes import aborted, result, spoken

UUID = "uuid of the prompt"


def after(*messages: Any) -> Asking:
    """Return a prompt of second 100 that heard one message a second."""
    asking = Asking(UUID, now=100.0)
    for second, message in enumerate(messages, 101):
        asking.take(message, now=float(second))
    return asking


def token(within: str | None = None) -> StreamEvent:
    """Return a token of the answer, or of a sub-agent's."""
    return StreamEvent(
        uuid="x",
        session_id="x",
        event={"type": "content_block_delta"},
        parent_tool_use_id=within,
    )


def test_reply_has_its_figures() -> None:
    """First token and end are counted from the prompt; the cost is the session's."""
    reply = after(token(), token(), spoken("Hi."), result(UUID, total_cost_usd=0.25)).reply()
    assert reply == Reply(text="Hi.", session_cost_usd=0.25, first_token_s=1.0, duration_s=4.0)


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
    reply = after(result(UUID, result=None, total_cost_usd=None)).reply()
    assert (reply.text, reply.session_cost_usd) == ("", 0.0)


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
