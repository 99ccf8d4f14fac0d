"""What a session is told of the turns that it cannot remember."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Protocol

import structlog

from bot.config.bot import Bot
from bot.records import Entry, Exchange, SessionKey
from bot.rooms.element import element, text
from bot.rooms.tokens import tokens_of
from bot.sessions.statistics import Warmth

log = structlog.get_logger(__name__)

#: Bounds of a recap: a reminder, not the conversation.
RECAP_TOKENS = 4_000
_MOST_TURNS = 30
#: Of one question or answer.
_EACH_TOKENS = 400


class History(Protocol):
    """The journal, as far as a recap needs it."""

    async def recent(
        self, *, platform: str, bot: str, room: str, user: str | None, limit: int
    ) -> tuple[Exchange, ...]:
        """Return the last turns that were answered, and not off the record; newest last."""
        ...


class Seat(Protocol):
    """A place in a session, as far as its memory goes."""

    #: Set once a recap is told.
    recapped: bool

    @property
    def path(self) -> Warmth:
        """How the turn came to its conversation."""
        ...

    @property
    def unheard(self) -> int:
        """How many of the last answers the agent does not know."""
        ...


async def find_recap(
    history: History, entry: Entry, bot: Bot, key: SessionKey, seat: Seat
) -> tuple[Exchange, ...]:
    """Return what the room last talked about, as far as the agent should know it and does not.

    All of it was said in the room. A room whose last turn is younger than the TTL has a session; a
    new one then means that it was lost. An older one has expired: that begins anew, unless the bot
    says otherwise.
    """
    new = seat.path in (Warmth.COLD, Warmth.SPARE)
    limit = _MOST_TURNS if new else seat.unheard
    if limit == 0 or entry.message.off_record:
        return ()
    last = await history.recent(
        platform=bot.platform, bot=bot.id, room=key.room, user=key.user, limit=limit
    )
    alive_since = entry.accepted_at - timedelta(seconds=bot.session.ttl_s)
    expired = bool(last) and last[-1].settled_at < alive_since
    if not last or (expired and not bot.session.recap_expired):
        return ()
    told = affordable(last)
    why = "unheard" if not new else "expired" if expired else "lost"
    seat.recapped = True
    log.warning("session_recapped", bot=bot.id, room=key.room, exchanges=len(told), why=why)
    return told


def affordable(turns: Sequence[Exchange], tokens: int = RECAP_TOKENS) -> tuple[Exchange, ...]:
    """Return the newest of *turns* that *tokens* pay for, at least one, in their order."""
    kept: list[Exchange] = []
    for turn in reversed(turns):
        tokens -= tokens_of(_written(turn))
        if tokens < 0 and kept:
            break
        kept.append(turn)
    return tuple(reversed(kept))


def write_recap(turns: Sequence[Exchange]) -> str:
    """Return the element that reminds of *turns*."""
    return element(
        "recap",
        {},
        "These last turns are missing from the memory of this conversation, oldest first; the"
        " answers are yours.\n" + "\n".join(map(_written, turns)),
    )


def _written(turn: Exchange) -> str:
    return "\n".join(_elements(turn))


def _elements(turn: Exchange) -> Iterator[str]:
    asked = {"from": turn.author.name, "user": turn.author.id}
    yield element("question", asked, text(turn.question, tokens=_EACH_TOKENS), flat=True)
    if turn.answer is not None:
        yield element("answer", {}, text(turn.answer, tokens=_EACH_TOKENS), flat=True)
