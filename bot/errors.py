"""What can go wrong, whose fault it is, and whether trying again may help.

BotError
├── ConfigError                  the operator's: a setting or a bot file is wrong
├── Refused                      the caller's: a delivery that is not accepted, with its HTTP status
│   ├── Malformed                    400  not JSON, a wrong type, a missing field, nested too deep
│   ├── NotAuthentic                 401  neither the bot's key nor its webhook secret
│   ├── UnknownBot                   404  no such bot
│   ├── WrongMethod                  405  the route takes POST only
│   ├── TooLarge                     413  over the body limit
│   ├── TooMany                      429  a bound of the queue is reached
│   └── NotRecorded                  503  the journal could not make it durable in time
├── JournalError                 the disk's or the database's
│   └── JournalUnavailable           cannot be written now
│       └── JournalHeld                  another process has it open
├── ChatError                    the platform's: posting to a room failed
│   ├── ChatUnavailable              may work later: connection, 429, 502, 503
│   ├── ChatUncertain                the bytes may have arrived: no answer after they left
│   │   └── PostFailed                   a failure was the answer: 500, 504
│   └── ChatRefused                  will not work by repeating: 3xx, 401, 403, 404, 422
└── AgentError                   the agent's or its model's
    ├── AgentMissing                 the child's program, its version or a flag is not there
    ├── AgentStartFailed             the child did not start
    ├── NoPlace                      too many others are being answered
    ├── SessionLost                  the session cannot be resumed: cold, with a recap
    ├── ConversationDied             the child ended on its own; one retry
    ├── TurnTimedOut                 the turn took longer than the bot allows, or went silent
    └── ModelFailed                  the model's service said no (overload, key, credit, …)

A bug is none of these: it travels to the top (`bot.rooms` has the edge of a turn).
"""

from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path


class BotError(Exception):
    """Something failed that the server expects to fail at times."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mistake:
    """One thing that is wrong in a file or in the environment, and how to mend it."""

    #: The file, or the environment variable; None when it concerns a folder as a whole.
    where: str
    #: Line in that file, from 1; None when unknown or not a file.
    line: int | None
    #: What is wrong, with the key, the value (never a secret), the rule and the cure.
    what: str

    def __str__(self) -> str:
        """Render as ``bots.d/ada.toml:4: unknown key "modle" (did you mean "model"?)``."""
        return (
            f"{self.where}:{self.line}: {self.what}" if self.line else f"{self.where}: {self.what}"
        )


class ConfigError(BotError):
    """Settings or bot files are wrong; carries every mistake that was found."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = mistakes


class Refused(BotError):
    """A delivery that is not accepted. The status says whose fault it is."""

    status = HTTPStatus.BAD_REQUEST


class Malformed(Refused):
    """The body is not what the platform sends."""


class NotAuthentic(Refused):
    """The delivery does not prove that it comes from the platform."""

    status = HTTPStatus.UNAUTHORIZED


class UnknownBot(Refused):
    """No bot of that id is configured."""

    status = HTTPStatus.NOT_FOUND


class WrongMethod(Refused):
    """The webhook route takes POST."""

    status = HTTPStatus.METHOD_NOT_ALLOWED


class TooLarge(Refused):
    """The body is over the limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class TooMany(Refused):
    """More is waiting than the server takes."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class NotRecorded(Refused):
    """The journal did not confirm the message in time; it may still have landed."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class JournalError(BotError):
    """The journal failed."""


class JournalUnavailable(JournalError):
    """The journal cannot be written: disk full, read-only, corrupt or closed."""

    def __init__(self, path: Path | str, why: str) -> None:
        super().__init__(f"journal {path} cannot be written: {why}")


class JournalHeld(JournalUnavailable):
    """Another process has the journal open: a server that runs."""


class ChatError(BotError):
    """The platform did not take a post."""


class ChatUnavailable(ChatError):
    """The platform cannot be reached or is overloaded; a later try may work."""

    def __init__(self, why: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(why)
        #: Seconds the platform asked us to wait, when it said so.
        self.retry_after_s = retry_after_s


class ChatUncertain(ChatError):
    """The request left and no answer came: the message may be in the room."""


class PostFailed(ChatUncertain):
    """The platform, or a proxy before it, answered that it failed; perhaps after it had posted."""

    def __init__(self, why: str, *, over: bool) -> None:
        super().__init__(why)
        #: Whether all that it was going to do is done: nothing appears in the room any more.
        self.over = over


class ChatRefused(ChatError):
    """The platform says no, and repeating will not change that."""


class AgentError(BotError):
    """The agent did not answer."""


class AgentMissing(AgentError):
    """The child's program is not usable on this machine."""


class AgentStartFailed(AgentError):
    """The child did not start; its last words are in the message."""


class NoPlace(AgentError):
    """There is no memory for one more child, and none that could go."""


class SessionLost(AgentError):
    """The session cannot be resumed."""


class ConversationDied(AgentError):
    """The child ended without being asked to."""


class TurnTimedOut(AgentError):
    """The agent did not finish in the time it had."""


class ModelFailed(AgentError):
    """The model's service refused or failed after its retries."""

    def __init__(self, why: str, *, reason: str, status: int | None = None) -> None:
        super().__init__(why)
        #: One word for the sentence the room gets: overloaded, rate_limit, billing, key,
        #: max_turns, budget, or unknown.
        self.reason = reason
        #: HTTP status of the failing call, when there was one.
        self.status = status
