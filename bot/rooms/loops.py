"""When a bot and another machine only answer each other. The rule, all of it; pure.

What was said in the room to this bot is read backwards, message by message. Each one weighs as a
sign of a machine:

- 1, when its author is known to be a bot: the platform said so.
- 1, when it gives our own words back, almost all of them.
- 1/4, when it is like something its author said shortly before: people do that, too.
- 1/4, when it is long and came after our answer sooner than anybody types: people paste.
- 1/8, when it is a short word, and the one its author said last: "ok", "next", "thanks".
- 0, when it does none of this: that is a person's word, and what was before it does not count.

A message that weighs something is held when those before it weigh `LoopRules.depth` or more: so
many messages of known bots and echoes were answered in a row then, and four or eight times as many
of what people do as well.

What a machine with a person's account says may be new each time, at a person's pace. So the author
who speaks with the bot alone is held when `LoopRules.rate` messages within a minute were answered,
each of which came after the answer to the one before; or ten times as many without a pause.
Messages that were sent before we had answered are no reaction to us: many at once are a burst, for
which there are other bounds.

The first message that is held is told so, the next ones are skipped. It is over when somebody who
has no part in it speaks to the bot, or the same author does as a person would; where the pace was
the reason, only others' words count. And after a pause: half an hour in which none of them spoke.
Somebody whose answers always take longer than the pause is answered for ever, and has the time.
What was off the record is not kept: of that, only its author and its time count.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from bot.config.bot import LoopRules
from bot.journal.views import Dialogue, Round
from bot.records import LOOP_GUARD, LOOP_GUARD_PACE
from bot.rooms.likeness import alike, echoes, is_short

#: A dialogue that rests for so long is over.
PAUSE_S: Final = 1800.0

#: Weights are counted in eighths.
_WHOLE: Final = 8
_QUARTER: Final = 2
_EIGHTH: Final = 1
_PERSON: Final = 0
#: Sent by the same author before we had answered: neither a sign nor a person's word.
_SAME_BREATH: Final = None

#: How far back a message is compared.
_NEAR: Final = 6
#: Nobody types more characters in a second, nor notices it in a shorter text.
_TYPED: Final = 15.0
_TYPED_AT_LEAST: Final = 60

_MINUTE_S: Final = 60.0
_LONG_RUN: Final = 10
#: Who is allowed to be faster than this is allowed to go on, too.
_LONGEST_RUN: Final = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """The message in question."""

    author: str
    by_bot: bool
    #: Its beginning; None when it is off the record.
    text: str | None
    #: When it was accepted, in seconds since the epoch.
    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A message gets no answer, because it keeps a loop going."""

    #: One of the reasons in `bot.records`.
    reason: str
    #: Whether the room knows already.
    told: bool


def judge(word: Word, dialogue: Dialogue, rules: LoopRules, *, notice: str) -> Held | None:
    """Say whether *word* is held. *notice* is what the room is told then."""
    rounds, hold = dialogue.rounds, dialogue.hold
    if hold is not None and (not rounds or hold.at > rounds[0].settled_at):
        ours = Round(
            author=hold.author,
            by_bot=False,
            text=hold.text,
            reply=notice,
            accepted_at=hold.at,
            settled_at=hold.at,
        )
        goes_on = _goes_on(word, ours, rounds, by_pace=hold.reason == LOOP_GUARD_PACE)
        return Held(reason=hold.reason, told=True) if goes_on else None
    if _weight(word, rounds[:_NEAR]) and _heat(word.at, rounds) >= _WHOLE * rules.depth:
        return Held(reason=LOOP_GUARD, told=False)
    if _is_breathless(word, rounds, rules):
        return Held(reason=LOOP_GUARD_PACE, told=False)
    return None


def leeway(word: Word, dialogue: Dialogue, rules: LoopRules) -> int:
    """Return how many messages after *word*, which is answered, are let through for certain.

    A message adds 1 at most to the weight of a chain, and to the length of a run. One less than
    the depth of a chain, so that whoever begins one is looked at before it is over.
    """
    weight = _weight(word, dialogue.rounds[:_NEAR])
    heat = 0 if weight == _PERSON else _heat(word.at, dialogue.rounds) + (weight or 0)
    chain = (_WHOLE * rules.depth - heat + _WHOLE - 1) // _WHOLE
    return max(0, min(chain, rules.depth - 1, _breath(word, dialogue.rounds, rules) - 1))


def wants_more(word: Word, dialogue: Dialogue) -> bool:
    """Whether what was read of a dialogue says too little: it is one chain, or one author's."""
    rounds = dialogue.rounds
    chained = bool(_weight(word, rounds[:_NEAR])) and len(_chain(word.at, rounds)) == len(rounds)
    return bool(rounds) and (chained or len(run(word, rounds)) == len(rounds))


def reach(rules: LoopRules) -> int:
    """Return how many rounds the rules look back."""
    return (
        max(_WHOLE // _EIGHTH * rules.depth, rules.rate, min(_LONG_RUN * rules.rate, _LONGEST_RUN))
        + _NEAR
    )


def run(word: Word, rounds: Sequence[Round]) -> list[Round]:
    """Return the last rounds that were all with the author of *word*, without a pause."""
    found, at = [], word.at
    for past in rounds:
        if past.author != word.author or at - past.settled_at > PAUSE_S:
            break
        found.append(past)
        at = past.accepted_at
    return found


def _goes_on(word: Word, ours: Round, rounds: tuple[Round, ...], *, by_pace: bool) -> bool:
    """Whether *word* belongs to the loop that was broken by *ours*."""
    if word.at - ours.settled_at > PAUSE_S:
        return False
    if word.by_bot:
        return True
    weight = _weight(word, (ours, *rounds[: _NEAR - 1]))
    if word.author == ours.author:
        return by_pace or weight is _SAME_BREATH or weight > _PERSON
    if not weight or not rounds:
        return False
    return word.author in {past.author for past in _chain(rounds[0].settled_at, rounds)}


def _heat(at: float, rounds: tuple[Round, ...]) -> int:
    return sum(
        _weight(_said_in(past), rounds[place + 1 : place + 1 + _NEAR]) or 0
        for place, past in enumerate(_chain(at, rounds))
    )


def _chain(at: float, rounds: tuple[Round, ...]) -> list[Round]:
    """Return the last rounds up to a person's word or a pause, the last one first."""
    found = []
    for place, past in enumerate(rounds):
        if at - past.settled_at > PAUSE_S:
            break
        if _weight(_said_in(past), rounds[place + 1 : place + 1 + _NEAR]) == _PERSON:
            break
        found.append(past)
        at = past.accepted_at
    return found


@lru_cache(maxsize=4096)
def _weight(word: Word, before: tuple[Round, ...]) -> int | None:
    """Weigh *word* as a sign of a machine, by what was said before, the last first."""
    if word.by_bot:
        return _WHOLE
    if word.text is None or not before:
        return _PERSON
    if any(echoes(word.text, past.reply) for past in before):
        return _WHOLE
    last, own = before[0], [past for past in before if past.author == word.author]
    after_s = word.at - last.settled_at
    if after_s < 0:
        return _SAME_BREATH if last in own else _PERSON
    if (weight := _repetition(word.text, [past.text for past in own])) != _PERSON:
        return weight
    untyped = len(word.text) >= _TYPED_AT_LEAST and len(word.text) > _TYPED * after_s
    return _QUARTER if untyped and last in own else _PERSON


def _repetition(text: str, before: Sequence[str | None]) -> int:
    """Weigh *text* by what the same author said before, the last first."""
    if is_short(text):
        again = bool(before) and before[0] is not None and alike(text, before[0])
        return _EIGHTH if again else _PERSON
    again = any(alike(text, past) for past in before if past is not None)
    return _QUARTER if again else _PERSON


def _is_breathless(word: Word, rounds: Sequence[Round], rules: LoopRules) -> bool:
    """Whether the author of *word* and the bot have answered each other too fast, or too long."""
    return bool(rounds) and word.at >= rounds[0].settled_at and _breath(word, rounds, rules) <= 0


def _breath(word: Word, rounds: Sequence[Round], rules: LoopRules) -> int:
    """Return how many more messages the author of *word* has until that is too much."""
    mine = list(_reactions(run(word, rounds)))
    quick = sum(past.accepted_at > word.at - _MINUTE_S for past in mine)
    longest = _LONG_RUN * rules.rate
    left = rules.rate - quick
    return left if longest > _LONGEST_RUN else min(left, longest - len(mine))


def _reactions(rounds: Sequence[Round]) -> Iterator[Round]:
    """Yield those that came after the answer to the one before; the oldest counts as one."""
    for place, past in enumerate(rounds):
        if place + 1 == len(rounds) or past.accepted_at >= rounds[place + 1].settled_at:
            yield past


def _said_in(past: Round) -> Word:
    return Word(author=past.author, by_bot=past.by_bot, text=past.text, at=past.accepted_at)
