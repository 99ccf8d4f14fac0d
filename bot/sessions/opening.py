"""How the session of a room is taken up again: decided here, done by `Sessions`."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from uuid import uuid4

from bot.agent.start import Fresh, Resume, Start
from bot.agent.transcript import Transcript, is_session_id
from bot.sessions.files import SessionFile
from bot.sessions.statistics import Warmth


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """What to start, and what becomes of the old session."""

    start: Start
    #: WARM: its memory is kept; COLD: it begins anew.
    path: Warmth
    #: Whether the transcript has to go before the start.
    clear: bool = False
    #: What the child has counted already, US dollars.
    counted_usd: float = 0.0


def choose_opening(
    file: SessionFile, transcript: Transcript | None, owed: AbstractSet[str]
) -> Opening:
    """Decide how to open *file*'s session.

    *owed* are the uuids of prompts whose messages are still open: such a prompt at the end of the
    transcript is dropped, because its message will be asked again.
    """
    if not is_session_id(file.session_id):
        return Opening(start=Fresh(session_id=new_session_id()), path=Warmth.COLD)
    if transcript is None:
        # Without a turn there was nothing to lose, and the id is as good as new.
        unused = file.turns == 0
        fresh = Fresh(session_id=file.session_id if unused else new_session_id())
        return Opening(start=fresh, path=Warmth.COLD)
    orphan = transcript.orphan()
    if orphan is None or orphan.prompt_uuid not in owed:
        return Opening(
            start=Resume(session_id=file.session_id),
            path=Warmth.WARM,
            counted_usd=transcript.cost_usd,
        )
    if orphan.after is None:
        return Opening(start=Fresh(session_id=file.session_id), path=Warmth.COLD, clear=True)
    return Opening(
        start=Resume(session_id=file.session_id, orphan=orphan),
        path=Warmth.WARM,
        counted_usd=transcript.cost_usd,
    )


def new_session_id() -> str:
    """Return an id for a session of our own, known before its child starts."""
    return str(uuid4())
