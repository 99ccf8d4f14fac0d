"""How the session of a room is taken up again: decided here, done by `Opener`."""

from dataclasses import dataclass
from itertools import takewhile
from uuid import uuid4

from bot.agent.start import Fresh, Resume, Start
from bot.agent.transcript import Transcript, is_session_id
from bot.records.prompts import SessionPrompts
from bot.sessions.files import SessionFile
from bot.sessions.statistics import Warmth


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """What to start, and what becomes of the old session."""

    start: Start
    #: WARM: its memory is kept; COLD: it begins anew.
    path: Warmth
    #: Whether what the old session left on disk has to go before the start.
    clear: bool = False
    #: Whether the room had a memory that cannot be taken up.
    lost: bool = False
    #: Whether it may begin under any id, and so on a spare.
    anyhow: bool = False
    #: How many of the last answers the transcript lacks: the child ended before they were written.
    unheard: int = 0
    #: What the child has counted already, US dollars.
    counted_usd: float = 0.0


def choose_opening(
    file: SessionFile, transcript: Transcript | None, prompts: SessionPrompts
) -> Opening:
    """Decide how to open *file*'s session.

    A prompt without an answer at the end of the transcript is dropped when its message will be
    asked again, when a command has ended it, and when it was answered after all: then the agent is
    told so with the next one.
    """
    if not is_session_id(file.session_id):
        return _lost()
    if transcript is None or transcript.empty:
        # Without a turn there was nothing to lose, and the id is as good as new.
        return _anew(file, clear=transcript is not None) if file.turns == 0 else _lost()
    orphan = transcript.orphan()
    if orphan is None or orphan.prompt_uuid not in {
        *prompts.owed,
        *prompts.answered,
        *prompts.in_vain,
        *prompts.stopped,
    }:
        orphan = None
    elif orphan.after is None:
        return _anew(file, clear=True)
    return Opening(
        start=Resume(session_id=file.session_id, orphan=orphan),
        path=Warmth.WARM,
        unheard=_unheard(transcript, prompts),
        counted_usd=transcript.cost_usd,
    )


def _unheard(transcript: Transcript, prompts: SessionPrompts) -> int:
    missing = takewhile(lambda uuid: transcript.answer_to(uuid) is None, prompts.answered)
    return sum(1 for _ in missing)


def _anew(file: SessionFile, *, clear: bool) -> Opening:
    """Begin the session under its own id: the agent has said nothing in it yet."""
    return Opening(start=Fresh(session_id=file.session_id), path=Warmth.COLD, clear=clear)


def _lost() -> Opening:
    start = Fresh(session_id=new_session_id())
    return Opening(start=start, path=Warmth.COLD, clear=True, lost=True, anyhow=True)


def first_opening(file: SessionFile) -> Opening:
    """Begin a session of which nothing is on disk."""
    start = Fresh(session_id=file.session_id)
    return Opening(start=start, path=Warmth.COLD, anyhow=True)


def new_session_id() -> str:
    """Return an id for a session of our own, known before its child starts."""
    return str(uuid4())
