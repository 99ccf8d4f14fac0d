"""What is going to be said in a room, and why."""

import traceback
from dataclasses import dataclass

import structlog

from bot.config.bot import Bot
from bot.errors import AgentError
from bot.language.catalogue import phrases_of
from bot.records import Entry, Outcome, Part, PartKind, Person
from bot.rooms.answering import Answer
from bot.rooms.evidence import Evidence
from bot.rooms.lane import Refused
from bot.rooms.sentences import refusal, sentence_for

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Saying:
    """What is going to be said in the room, and why."""

    markdown: str
    kind: PartKind
    verdict: Outcome
    #: The agent's answer; None when it is a sentence of ours.
    answer: Answer | None = None
    #: For the operator, when it is not an answer.
    reason: str | None = None
    #: Whom it answers, in the order of their words; several when they were answered together.
    to: tuple[Person, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What is frozen, and about to be posted."""

    #: With its verdict.
    entry: Entry
    parts: tuple[Part, ...]
    answer: Answer | None


def broken(entry: Entry, bug: Exception, bot: Bot) -> Saying:
    """Own up to a bug of ours, and keep the traceback for the operator."""
    return Saying(
        markdown=phrases_of(bot.language).bug,
        kind=PartKind.NOTICE,
        verdict=Outcome.DEAD,
        reason=traceback_of(bug),
        to=entry.askers,
    )


def failed(entry: Entry, error: AgentError, bot: Bot) -> Saying:
    """Say why there is no answer."""
    reason = f"{type(error).__name__}: {error}"
    log.error("turn_failed", bot=bot.id, entry=entry.seq, why=reason)
    return Saying(
        markdown=sentence_for(error, phrases_of(bot.language)),
        kind=PartKind.NOTICE,
        verdict=Outcome.TOLD,
        reason=reason,
        to=entry.askers,
    )


def refused(entry: Entry, why: Refused, bot: Bot) -> Saying:
    """Tell a person that a burst of theirs is left out, once for all of it."""
    return Saying(
        markdown=refusal(why, phrases_of(bot.language), messages=len(entry.messages)),
        kind=PartKind.REFUSAL,
        verdict=Outcome.TOLD,
        reason=f"refused: {why}",
        to=entry.askers,
    )


def condemned(entry: Entry, bot: Bot, evidence: Evidence) -> Saying:
    """Give up a message that brought the server down again and again."""
    log.error("turn_condemned", entry=entry.seq, bot=bot.id, crashes=evidence.crashes)
    moments = ", ".join(f"{moment:g} s" for moment in evidence.moments_s)
    return Saying(
        markdown=phrases_of(bot.language).crashed,
        kind=PartKind.NOTICE,
        verdict=Outcome.DEAD,
        reason=f"the server ended {evidence.crashes} times while this message was tried and nothing"
        f" else ran, the last times in a row {moments} after it had begun: look at what the log, or"
        " the kernel's, says of those moments",
        to=entry.askers,
    )


def traceback_of(bug: Exception) -> str:
    """Return where a bug came from."""
    return "".join(traceback.format_exception(bug))
