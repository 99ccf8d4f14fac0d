"""What Hearth itself says in a room, in plain words and without a traceback."""

from collections.abc import Iterable

from bot.errors import (
    AgentError,
    AgentMissing,
    AgentStartFailed,
    ModelFailed,
    NoPlace,
    TurnTimedOut,
)

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

_LEFT_OUT = "I also made files that are too large to be posted, or too many: {names}."

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


def left_out(names: Iterable[str]) -> str:
    """Return what the room is told of files that were made and are not posted."""
    return _LEFT_OUT.format(names=", ".join(f"`{name}`" for name in names))


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
