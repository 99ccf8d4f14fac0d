"""The seam: what the SDK raises and reports, in our words."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import anyio
from claude_agent_sdk import (
    ClaudeSDKError,
    CLINotFoundError,
    ProcessError,
    ResultError,
    ResultMessage,
)

from bot.errors import (
    AgentError,
    AgentMissing,
    AgentStartFailed,
    ConversationDied,
    ModelFailed,
    SessionLost,
)

#: What comes out of the SDK when the child, its pipes or its output are not in order. The SDK also
#: raises a bare Exception, when a control request is refused or times out.
_FOREIGN = (
    ClaudeSDKError,
    OSError,
    UnicodeError,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
)
#: What the child says when a session cannot be resumed; each was seen with the pinned version.
_LOST = (
    "No conversation found",
    "Resume rejected by --resume-drops-turn",
    "No message found with message.uuid",
    "requires a valid session ID",
)
#: What the child says when its `.claude.json` is damaged, which fails every start.
_BROKEN_CONFIG = "Configuration error in"
_BY_STATUS = {
    401: "key",
    402: "billing",
    403: "key",
    408: "unavailable",
    429: "rate_limit",
    529: "overloaded",
}
_BY_WORD = {
    "authentication_failed": "key",
    "billing_error": "billing",
    "rate_limit": "rate_limit",
    "server_error": "unavailable",
}
_BY_SUBTYPE = {"error_max_turns": "max_turns", "error_max_budget_usd": "budget"}
_SERVER_ERROR = 500


class BrokenConfig(AgentStartFailed):
    """The child's own configuration file is damaged; it makes a new one when that is removed."""


@contextmanager
def foreign_errors(stderr: Sequence[str] = ()) -> Iterator[None]:
    """Raise what the SDK raises as an AgentError, with the child's last words.

    *stderr* is read only when something fails. Bugs of ours pass through.
    """
    try:
        yield
    except AgentError:
        raise
    except Exception as error:  # for the bare one; see `_FOREIGN`
        if type(error) is not Exception and not isinstance(error, _FOREIGN):
            raise
        raise _translated(error, stderr) from error


def _translated(error: Exception, stderr: Sequence[str]) -> AgentError:
    words = "; ".join((*_words(error), *stderr))
    if any(sign in words for sign in _LOST):
        return SessionLost(words)
    if _BROKEN_CONFIG in words:
        return BrokenConfig(words)
    if isinstance(error, CLINotFoundError):
        return AgentMissing(words)
    return ConversationDied(words)


def _words(error: Exception) -> list[str]:
    if isinstance(error, ResultError) and error.errors:
        return error.errors
    if isinstance(error, ProcessError) and error.exit_code is not None:
        return [f"the child ended with exit code {error.exit_code}"]
    return [f"{type(error).__name__}: {error}"]


def failure_of(result: ResultMessage, api_error: str | None) -> ModelFailed:
    """Return why a prompt got no answer.

    *api_error* is the word that the child put on the message of a failed call.
    """
    said = "; ".join(result.errors or ()) or result.result or result.subtype
    return ModelFailed(
        said, reason=_reason(result, api_error, said), status=result.api_error_status
    )


def _reason(result: ResultMessage, api_error: str | None, said: str) -> str:
    if result.subtype in _BY_SUBTYPE:
        return _BY_SUBTYPE[result.subtype]
    if "credit balance" in said.lower():  # the API answers 400 then
        return "billing"
    status = result.api_error_status
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status is not None and status >= _SERVER_ERROR:
        return "unavailable"
    return _BY_WORD.get(api_error or "", "unknown")
