"""The seam to the SDK: nothing of it passes, and no bug of ours is taken for it."""

import inspect

import anyio
import claude_agent_sdk
import pytest

from bot.agent.translate import BrokenConfig, foreign_errors
from bot.errors import AgentError, AgentMissing, AgentStartFailed, ConversationDied, SessionLost

ERRORS = [
    error
    for _, error in inspect.getmembers(claude_agent_sdk, inspect.isclass)
    if issubclass(error, claude_agent_sdk.ClaudeSDKError)
]


def made(kind: type[Exception]) -> Exception:
    """Make an error of the SDK, whatever its constructor wants."""
    if kind is claude_agent_sdk.CLIJSONDecodeError:
        return kind("a line", ValueError("no JSON"))
    return kind("something failed")


def translated(error: Exception, *stderr: str) -> AgentError:
    """Return what becomes of an error."""
    with pytest.raises(AgentError) as caught, foreign_errors(stderr):
        raise error
    assert caught.value.__cause__ is error
    return caught.value


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_of_the_sdk_is_ours(kind: type[Exception]) -> None:
    """One that a later SDK adds is found here."""
    assert str(translated(made(kind)))


@pytest.mark.parametrize(
    "error",
    [
        Exception("Control request timeout: interrupt"),
        BrokenPipeError(),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
        anyio.ClosedResourceError(),
        anyio.BrokenResourceError(),
    ],
)
def test_what_its_pipes_raise_is_a_death(error: Exception) -> None:
    """A child that writes rubbish, or nothing more, costs one conversation."""
    assert isinstance(translated(error), ConversationDied)


@pytest.mark.parametrize(
    "error", [ZeroDivisionError(), KeyError("x"), AttributeError("x"), RuntimeError("x")]
)
def test_bugs_pass(error: Exception) -> None:
    """Only what the SDK and the machine may do is translated."""
    with pytest.raises(type(error)), foreign_errors():
        raise error


def test_own_errors_pass_unchanged() -> None:
    """What is ours already is not translated a second time."""
    error = AgentStartFailed("the user does not exist")
    with pytest.raises(AgentStartFailed) as caught, foreign_errors():
        raise error
    assert caught.value is error


@pytest.mark.parametrize(
    "words",
    [
        "No conversation found with session ID: x",
        "Resume rejected by --resume-drops-turn: x",
        "No message found with message.uuid of: x",
        "--resume requires a valid session ID or session title",
    ],
)
def test_lost_session_is_known_by_the_childs_words(words: str) -> None:
    """It stands in the result's errors, or on stderr alone."""
    in_result = claude_agent_sdk.ResultError("x", data={"errors": [words]}, exit_code=1)
    on_stderr = claude_agent_sdk.ProcessError("x", exit_code=1)
    assert isinstance(translated(in_result), SessionLost)
    assert isinstance(translated(on_stderr, words), SessionLost)


def test_last_words_are_quoted() -> None:
    """The exit code alone says nothing."""
    error = translated(claude_agent_sdk.ProcessError("x", exit_code=127), "libc.so.6: not found")
    assert str(error) == "the child ended with exit code 127; libc.so.6: not found"


def test_missing_program_is_said_so() -> None:
    """No retry makes it appear."""
    assert isinstance(translated(claude_agent_sdk.CLINotFoundError()), AgentMissing)


def test_damaged_settings_are_a_failed_start() -> None:
    """Who waits for the start is told so when mending did not help."""
    error = claude_agent_sdk.ResultError("x", data={"errors": ["Configuration error in /x"]})
    assert isinstance(translated(error), BrokenConfig)
    assert issubclass(BrokenConfig, AgentStartFailed)
