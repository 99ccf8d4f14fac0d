"""Which sentence a room is told when a turn failed."""

from bot.errors import (
    AgentError,
    AgentMissing,
    AgentStartFailed,
    ModelFailed,
    NoPlace,
    TurnTimedOut,
)
from bot.language.phrases import Phrases
from bot.rooms.lane import Refused


def refusal(why: Refused, phrases: Phrases, *, messages: int) -> str:
    """Return what a person is told of so many messages of theirs that are not answered."""
    one, more = {
        Refused.BUSY: (phrases.busy, phrases.busy_more),
        Refused.EACH: (phrases.too_many, phrases.too_many_more),
        Refused.ROOM: (phrases.crowded, phrases.crowded_more),
    }[why]
    return one if messages == 1 else more.format(count=messages)


def sentence_for(error: AgentError, phrases: Phrases) -> str:
    """Return what the room is told when a turn failed."""
    match error:
        case ModelFailed():
            return _of_the_model(error.reason, phrases)
        case TurnTimedOut():
            return phrases.timed_out
        case NoPlace():
            return phrases.no_place
        case AgentMissing() | AgentStartFailed():
            return phrases.not_started
        case _:
            return phrases.died


def _of_the_model(reason: str, phrases: Phrases) -> str:
    by_reason = {
        "overloaded": phrases.overloaded,
        "unavailable": phrases.unavailable,
        "rate_limit": phrases.rate_limit,
        "billing": phrases.billing,
        "key": phrases.key,
        "max_turns": phrases.max_turns,
        "budget": phrases.budget,
    }
    return by_reason.get(reason, phrases.model_failed)
