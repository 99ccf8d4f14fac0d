"""What one turn cost in time and money: one log line, one row of the metrics."""

from dataclasses import asdict, dataclass

from bot.agent.reply import Reply
from bot.records import Entry, Outcome
from bot.rooms.answering import Answer
from bot.sessions.statistics import Warmth


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnReport:
    """One turn that ended. All times in seconds."""

    bot: str
    room: str
    #: The platform's id of the message.
    message: str
    outcome: Outcome
    #: How the turn came to its conversation; None when the agent was not asked.
    path: Warmth | None
    #: From acceptance to the start of the turn.
    wait_s: float
    #: From there to the prompt, most of it the way to a conversation; None when the agent was not
    #: asked.
    open_s: float | None
    #: From the prompt to its first token, and to its result; None when the agent was not asked.
    first_token_s: float | None
    agent_s: float | None
    #: From the frozen reply to the last posted part.
    post_s: float
    #: From acceptance to the end.
    total_s: float
    parts: int
    #: How many more messages it answered; None when there were none.
    companions: int | None = None

    def fields(self) -> dict[str, object]:
        """Return what a log line shows: rounded, without what there is not."""
        named = {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }
        return {name: value for name, value in named.items() if value is not None}


@dataclass(kw_only=True, slots=True)
class Stopwatch:
    """The moments of a turn, as seconds since the epoch."""

    started: float
    frozen: float = 0.0

    def report(
        self, entry: Entry, outcome: Outcome, answer: Answer | None, *, parts: int, now: float
    ) -> TurnReport:
        """Sum up a turn that ends *now*."""
        accepted = entry.accepted_at.timestamp()
        reply = answer.reply if answer is not None else None
        return TurnReport(
            bot=entry.message.bot,
            room=entry.message.room,
            message=entry.message.id,
            outcome=outcome,
            path=answer.path if answer is not None else None,
            wait_s=self.started - accepted,
            open_s=self._open_s(reply),
            first_token_s=reply.first_token_s if reply is not None else None,
            agent_s=reply.duration_s if reply is not None else None,
            post_s=now - (self.frozen or self.started),
            total_s=now - accepted,
            parts=parts,
            companions=len(entry.companions) or None,
        )

    def _open_s(self, reply: Reply | None) -> float | None:
        """Tell how long nobody thought or spoke yet: all but the agent's own time."""
        if reply is None or not self.frozen:
            return None
        return max(0.0, self.frozen - self.started - reply.duration_s)
