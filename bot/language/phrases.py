"""The sentences that every language has: plain words, on one line, without a traceback.

Where a sentence names a number or a person, it is a template for `str.format`; the field's comment
names what is filled in. People of a room are many and unknown, so nobody is addressed as a man, a
woman, a friend or a stranger: a language that has to choose there goes around it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Phrases:
    """What Hearth says in one language."""

    #: Answer to a message that is only the bot's name.
    bare: str
    #: Said once, where an answer that takes long cannot be shown while it grows.
    working: str
    #: A bug of ours cost the message.
    bug: str
    #: The message brought the server down too often.
    crashed: str
    #: Of the files that the agent made, {names} are not posted.
    left_out: str

    #: The bot and another machine only answered each other.
    looped: str

    # ---- why the model gave no answer ----

    overloaded: str
    unavailable: str
    rate_limit: str
    billing: str
    key: str
    max_turns: str
    budget: str
    #: Any other reason.
    model_failed: str

    # ---- why the agent gave none ----

    timed_out: str
    not_started: str
    no_place: str
    #: The conversation ended, twice, while the message was answered.
    died: str
