"""How a conversation begins: with a fresh session, one that is resumed, or one nobody keeps."""

from dataclasses import dataclass

from bot.agent.compaction import Compaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Fresh:
    """Start a session under an id of our own."""

    session_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Orphan:
    """A prompt in a transcript that got no answer, to be dropped when the session is resumed."""

    #: Uuid of the prompt.
    prompt_uuid: str
    #: Uuid of the last transcript entry to keep; None when the prompt is the first.
    after: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Resume:
    """Go on with a session that has a transcript."""

    session_id: str
    #: A prompt without an answer, which the agent must not see again.
    orphan: Orphan | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Unkept:
    """Start a session that nobody can resume: nothing of it is written, nothing of it stays."""

    session_id: str


Start = Fresh | Resume | Unkept | Compaction
