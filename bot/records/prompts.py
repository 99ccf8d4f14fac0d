"""Prompts: what is known of those of a session, and one that is about to be."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionPrompts:
    """What the journal knows of the prompts that were sent in a session, by their uuids."""

    #: Those whose messages are still open: they will be asked again.
    owed: frozenset[str] = frozenset()
    #: The last ones that were answered, newest first.
    answered: tuple[str, ...] = ()
    #: The same messages' other tries, which got no answer.
    in_vain: frozenset[str] = frozenset()
    #: The last ones without an answer whose messages a command has ended: nobody wants one.
    stopped: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Beginning:
    """How the turn of a message would begin: all that its first attempt needs."""

    #: Of the message; see `Message.key`.
    key: tuple[str, str, str]
    session_id: str
    prompt_uuid: str
