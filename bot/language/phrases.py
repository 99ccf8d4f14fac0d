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

    # ---- what a command is answered ----

    stopped_one: str
    #: count: of messages.
    stopped_many: str
    nothing_to_stop: str
    renewed: str
    #: What was asked before is answered first.
    renewed_later: str
    #: name: of whoever is answered; seconds: for how long.
    running: str
    quiet: str
    waiting_one: str
    #: count: of messages.
    waiting_many: str
    #: turns: answers so far.
    session_hot: str
    #: The same.
    session_warm: str
    session_cold: str
    #: turns: answers; dollars: a number.
    usage: str
    #: The same, and sessions: how many those are.
    usage_all: str
    #: command: the word.
    not_allowed: str

    # ---- the help: a sentence, and what each command does ----

    commands: str
    does_stop: str
    #: Of one that reaches everybody's messages.
    does_stop_all: str
    does_new: str
    does_status: str
    does_help: str
    does_usage: str

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

    # ---- why a message waits for no turn; with *_more*: {count} messages of a person ----

    #: Another message of the session is being answered.
    busy: str
    busy_more: str
    #: Too many of that person's wait.
    too_many: str
    too_many_more: str
    #: Too many of everybody's wait.
    crowded: str
    crowded_more: str
