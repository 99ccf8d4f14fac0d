"""How the stand-in model behaves when a script or the text of the question asks for it."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.testing.gate import Gate
from bot.testing.model.failure import Failure, failure

#: The longest delay that a text may ask for.
LONGEST_WAIT_S = 60.0
#: As `after_tokens`: when the text is complete, and before it is said why it ended.
AFTER_TEXT = 2**31

_DIRECTIVE = re.compile(r"\[(?P<verb>wait|fail|stall|drop|drip)(?:\s+(?P<argument>[\w.]+))?\]")
_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|s)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How long the model takes, in seconds."""

    #: Before the head of the HTTP response.
    latency_s: float = 0.0
    #: From there to the first token.
    first_token_s: float = 0.0
    #: Before each further token.
    token_s: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolCall:
    """A tool that the model wants to use."""

    name: str
    input: Mapping[str, Any] = field(default_factory=dict)


class Drop(Exception):
    """The connection is to be closed here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Behaviour:
    """What is different in one answer. Made by the functions below."""

    #: Said instead of what the persona would say.
    text: str | None = None
    #: Called first; when its result comes back, the persona reports it.
    tool: ToolCall | None = None
    #: None: the pace that the model was opened with.
    pace: Pace | None = None
    #: The answer, or from `after_tokens` on its rest, is this error.
    failure: Failure | None = None
    #: Awaited at `after_tokens`; it may wait, or raise `Drop`.
    pause: Callable[[], Awaitable[None]] | None = None
    #: Where failure or pause come: None before the first byte, else after so many tokens, or after
    #: all of them if there are not so many.
    after_tokens: int | None = None
    #: Given for the end of the answer, instead of the true one.
    stop_reason: str | None = None


def say(text: str) -> Behaviour:
    """Answer *text*."""
    return Behaviour(text=text)


def fail(
    status: int, *, retry_after_s: float | None = None, after_tokens: int | None = None
) -> Behaviour:
    """Fail as the API does: 400 (no credit), 401, 429, 500, 529, …; mid-stream as an event."""
    return Behaviour(
        failure=failure(status, retry_after_s=retry_after_s), after_tokens=after_tokens
    )


def stall(after_tokens: int | None = None) -> Behaviour:
    """Say nothing more, until the client goes away."""
    return Behaviour(pause=_for_ever, after_tokens=after_tokens)


def drop(after_tokens: int | None = None) -> Behaviour:
    """Close the connection without a word."""
    return Behaviour(pause=_drop, after_tokens=after_tokens)


def hold(gate: Gate, after_tokens: int | None = None) -> Behaviour:
    """Wait at *gate*, then go on as usual."""
    return Behaviour(pause=gate, after_tokens=after_tokens)


def refuse(text: str) -> Behaviour:
    """Say *text* and break off there, as the API does with what it finds harmful."""
    return Behaviour(text=text, stop_reason="refusal")


def call_tool(name: str, /, **arguments: object) -> Behaviour:
    """Call a tool, then report what it gave back."""
    return Behaviour(tool=ToolCall(name=name, input=arguments))


def drip(token_s: float, text: str | None = None) -> Behaviour:
    """Answer slowly: so many seconds before each token."""
    return Behaviour(text=text, pace=Pace(first_token_s=token_s, token_s=token_s))


def asked_for(text: str) -> Behaviour | None:
    """Return the behaviour that a text asks for, as ``[wait 2s]`` or ``[fail 529]`` do."""
    match = _DIRECTIVE.search(text)
    return _directive(match["verb"], match["argument"] or "") if match else None


def _directive(verb: str, argument: str) -> Behaviour | None:
    match verb:
        case "wait":
            return Behaviour(pace=Pace(latency_s=_seconds(argument)))
        case "drip":
            return drip(_seconds(argument))
        case "fail":
            return fail(int(argument)) if re.fullmatch(r"[45]\d\d", argument) else None
        case "drop":
            return drop(_count(argument))
        case _:
            return stall(_count(argument))


def _seconds(argument: str) -> float:
    match = _DURATION.fullmatch(argument)
    if match is None:
        return 0.0
    seconds = float(match["number"]) / (1000 if match["unit"] == "ms" else 1)
    return min(seconds, LONGEST_WAIT_S)


def _count(argument: str) -> int | None:
    return int(argument) if argument.isdecimal() else None


async def _for_ever() -> None:
    await asyncio.Event().wait()


async def _drop() -> None:
    raise Drop
