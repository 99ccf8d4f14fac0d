"""What Hearth itself says in a room, in plain words and without a traceback."""

from bot.errors import (
    AgentError,
    AgentMissing,
    AgentStartFailed,
    ModelFailed,
    NoPlace,
    TurnTimedOut,
)
from bot.rooms.lane import Refused

#: Answer to a message that is only the bot's name.
HELP = "Yes? Write what you need after my name, in the same message."

BUG = (
    "Something went wrong on my side, and I could not answer this message."
    " The operator can see why."
)

CRASHED = (
    "I broke down each time I tried to answer this message, so I leave it."
    " The operator can see why."
)

_BY_REASON = {
    "overloaded": "The model is overloaded right now. Please try again in a few minutes.",
    "unavailable": "The model cannot be reached right now. Please try again in a few minutes.",
    "rate_limit": "The model's rate limit is reached. Please try again in a few minutes.",
    "billing": "The model's account has no credit left. The operator has to see to it.",
    "key": "The model does not accept my key. The operator has to see to it.",
    "max_turns": "This took more steps than I may take. Please ask for less at once.",
    "budget": "My budget for this conversation is used up. The operator can raise it.",
}
_MODEL = "The model could not answer this message."
_TIMEOUT = "This took too long, so I stopped. Please try again, or ask for less at once."
_START = "I could not start thinking about this message. The operator can see why."
_NO_PLACE = "I am busy in too many other rooms right now. Please try again in a few minutes."
_DIED = "I broke off twice while thinking about this message. Please try again."


_REFUSED = {
    Refused.BUSY: "I am still busy with another message here.",
    Refused.EACH: "Too many of your messages wait for me here already.",
    Refused.ROOM: "Too many messages wait for me in this room already.",
}
_LEFT_OUT = "So I leave this one out. Please ask again later."
_LEFT_OUT_MORE = "So I leave out {count} messages of yours. Please ask again later."


def refusal(why: Refused, *, messages: int) -> str:
    """Return what a person is told of so many messages of theirs that are not answered."""
    left_out = _LEFT_OUT if messages == 1 else _LEFT_OUT_MORE.format(count=messages)
    return f"{_REFUSED[why]} {left_out}"


def sentence_for(error: AgentError) -> str:
    """Return what the room is told when a turn failed."""
    match error:
        case ModelFailed():
            return _BY_REASON.get(error.reason, _MODEL)
        case TurnTimedOut():
            return _TIMEOUT
        case NoPlace():
            return _NO_PLACE
        case AgentMissing() | AgentStartFailed():
            return _START
        case _:
            return _DIED
