"""What is said, struck and broken, and when: one seed decides it all. Pure."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

#: A burst is what one room says without a pause: a conversation that is open serves it.
_LONGEST_BURST = 16
#: Characters of filler between the marks of a long question: each mark ends up in another part.
_FILLER = 9_000
_LONG_MARKS = 3
_SHARE_LONG = 0.015
_SHARE_LATE = 0.10
#: Of the short answers, those that take a while, word by word.
_SHARE_SLOW = 0.06
_SLOW_WORDS = 9
_SHARE_REPEATED = 0.08
#: Of the bots' rooms, one in so many holds them both.
_SHARED_ROOM = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """Something a person says to a bot; its marks are what the bot has to say back."""

    number: int
    #: Seconds from the start.
    at_s: float
    #: Index of the room.
    room: int
    #: Index of the bot.
    bot: int
    #: When each copy is delivered, in seconds after it was said; the first may be late too.
    deliveries: tuple[float, ...]
    #: One, or one for each part of a long answer.
    marks: tuple[str, ...]
    #: Seconds between two words of the answer.
    drip_s: float = 0.0

    @property
    def text(self) -> str:
        """What is said after the bot's name."""
        if self.drip_s:
            return f"[drip {self.drip_s}s] echo: {self.marks[0]}" + " and so on" * _SLOW_WORDS
        return "echo: " + f" {_filler()} ".join(self.marks)


class Blow(StrEnum):
    """What is done to a process."""

    KILL = "kill"
    TERM = "term"
    PAUSE = "pause"
    CHILD_KILL = "child kill"
    CHILD_PAUSE = "child pause"


#: What comes on top of the kills of the server: one for each so many of them, at least one.
_BESIDE = {Blow.TERM: 4, Blow.PAUSE: 4, Blow.CHILD_KILL: 3, Blow.CHILD_PAUSE: 8}
#: Of the starts after a kill, those that find the disk full.
_SHARE_FULL = 0.12


@dataclass(frozen=True, kw_only=True, slots=True)
class Strike:
    """A blow, and which process it meets."""

    at_s: float
    blow: Blow
    #: Which of the children there are then: 0 the first, towards 1 the last.
    pick: float
    #: How long a pause lasts.
    length_s: float
    #: SIGKILL so long after a SIGTERM, while the server drains; None: it may drain to its end.
    then_kill_s: float | None
    #: How long the server stays down before it is started again.
    down_s: float
    #: How long the disk is full from the next start on, and for that start only; 0: it is not.
    full_s: float


class Trouble(StrEnum):
    """What goes wrong around the server."""

    POSTS_FAIL = "posts fail"
    POSTS_SLOW = "posts slow"
    POST_DROPPED = "post stored, answer dropped"
    POST_DENIED = "post stored, failure answered"
    READS_FAIL = "history fails"
    READS_SLOW = "history slow"
    CHANGES_FAIL = "edits and reactions fail"
    CHANGE_DENIED = "edit done, failure answered"
    CHANGES_SLOW = "edits and reactions slow"
    CHAT_DOWN = "chat down"
    MODEL_FAILS = "model fails"
    MODEL_DROPS = "model drops"
    MODEL_STALLS = "model stalls"
    DISK_FULL = "disk full"


#: Which HTTP status, where there is one.
_STATUSES = {
    Trouble.POSTS_FAIL: (429, 503, 502, 500, 504),
    Trouble.POST_DENIED: (500, 504),
    Trouble.READS_FAIL: (429, 503, 500),
    Trouble.CHANGES_FAIL: (429, 503, 500, 504),
    Trouble.CHANGE_DENIED: (500, 504),
    Trouble.MODEL_FAILS: (529, 500, 429),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Failing:
    """A trouble, and how much of it."""

    at_s: float
    trouble: Trouble
    #: HTTP status; 0 where there is none.
    status: int
    #: How many requests meet it.
    times: int
    #: How long it lasts; what is slow then takes a quarter of it.
    length_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """All of a run."""

    seed: int
    seconds: float
    rooms: int
    questions: tuple[Question, ...]
    strikes: tuple[Strike, ...]
    failings: tuple[Failing, ...]


def make_plan(*, seed: int, seconds: float, rooms: int, messages: int, kills: int) -> Plan:
    """Decide everything. *kills* are SIGKILLs of the server; other blows come on top."""
    chance = random.Random(seed)  # noqa: S311 - to be repeatable is its purpose
    return Plan(
        seed=seed,
        seconds=seconds,
        rooms=rooms,
        questions=tuple(_questions(chance, seconds, rooms, messages)),
        strikes=tuple(_strikes(chance, seconds, kills)),
        failings=tuple(_failings(chance, seconds)),
    )


def mark(number: int, part: int = 0) -> str:
    """Return what stands for part *part* of question *number* in a room."""
    return f"token-{number:05d}.{part}"


def _filler() -> str:
    return ("and so on " * (_FILLER // 10)).strip()


def _questions(
    chance: random.Random, seconds: float, rooms: int, messages: int
) -> Iterator[Question]:
    moments = sorted(_moments(chance, seconds, rooms, messages))
    for number, (at_s, room) in enumerate(moments):
        parts = _LONG_MARKS if chance.random() < _SHARE_LONG else 1
        slow = parts == 1 and chance.random() < _SHARE_SLOW
        yield Question(
            number=number,
            at_s=at_s,
            room=room,
            bot=chance.randrange(2) if room % _SHARED_ROOM == 0 else 0,
            deliveries=_deliveries(chance),
            marks=tuple(mark(number, part) for part in range(parts)),
            drip_s=round(chance.uniform(0.03, 0.2), 3) if slow else 0.0,
        )


def _moments(
    chance: random.Random, seconds: float, rooms: int, messages: int
) -> list[tuple[float, int]]:
    """Return when something is said and where: in bursts, each room in turn to begin with."""
    found: list[tuple[float, int]] = []
    order = list(range(rooms))
    chance.shuffle(order)
    while len(found) < messages:
        room = order.pop() if order else chance.randrange(rooms)
        at_s = chance.uniform(0, seconds * 0.95)
        for _ in range(min(chance.randint(1, _LONGEST_BURST), messages - len(found))):
            found.append((min(at_s, seconds), room))
            at_s += chance.uniform(0.01, 0.3)
    return found


def _deliveries(chance: random.Random) -> tuple[float, ...]:
    """Return when the copies of a message are delivered: late ones are overtaken."""
    first = chance.uniform(0.1, 2.0) if chance.random() < _SHARE_LATE else 0.0
    if chance.random() >= _SHARE_REPEATED:
        return (first,)
    copies = chance.randint(1, 3)
    # At the same moment, or whenever: while it waits, while it is answered, long after.
    later = [0.0 if chance.random() < 0.3 else chance.uniform(0, 8) for _ in range(copies)]
    return (first, *(first + delay for delay in sorted(later)))


def _strikes(chance: random.Random, seconds: float, kills: int) -> list[Strike]:
    """Return the blows, one in each stretch of the time: so the server serves between most."""
    blows = [Blow.KILL] * kills
    for blow, share in _BESIDE.items():
        blows += [blow] * max(1, kills // share)
    chance.shuffle(blows)
    stretch = seconds / len(blows)
    moments = [chance.uniform(number, number + 1) * stretch for number in range(len(blows))]
    first = blows.index(Blow.KILL)  # however short the run is, one start finds a full disk
    return [
        Strike(
            at_s=at_s,
            blow=blow,
            pick=chance.random(),
            length_s=chance.uniform(0.2, 3.0),
            then_kill_s=chance.uniform(0.05, 2.0) if chance.random() < 0.3 else None,
            down_s=chance.choice((0.0, 0.0, chance.uniform(0, 1.5))),
            full_s=chance.uniform(3.0, 8.0)
            if number == first or (blow is Blow.KILL and chance.random() < _SHARE_FULL)
            else 0.0,
        )
        for number, (at_s, blow) in enumerate(zip(moments, blows, strict=True))
    ]


def _failings(chance: random.Random, seconds: float) -> list[Failing]:
    """Return a trouble every five seconds or so; hardly ever a model that stalls."""
    count = max(6, round(seconds / 5))
    weights = {
        Trouble.POSTS_FAIL: 6,
        Trouble.POSTS_SLOW: 3,
        Trouble.POST_DROPPED: 3,
        Trouble.POST_DENIED: 2,
        Trouble.READS_FAIL: 2,
        Trouble.READS_SLOW: 1,
        Trouble.CHANGES_FAIL: 3,
        Trouble.CHANGE_DENIED: 2,
        Trouble.CHANGES_SLOW: 2,
        Trouble.CHAT_DOWN: 2,
        Trouble.MODEL_FAILS: 4,
        Trouble.MODEL_DROPS: 2,
        Trouble.MODEL_STALLS: 1,
        Trouble.DISK_FULL: 3,
    }
    each = list(weights) if count > 2 * len(weights) else []
    more = chance.choices(list(weights), weights=list(weights.values()), k=count - len(each))
    troubles = each + more
    # However short the run is: the disk is the server's own.
    found = [_failing(chance, seconds, trouble) for trouble in (Trouble.DISK_FULL, *troubles)]
    return sorted(found, key=lambda failing: failing.at_s)


def _failing(chance: random.Random, seconds: float, trouble: Trouble) -> Failing:
    statuses = _STATUSES.get(trouble, (0,))
    return Failing(
        at_s=chance.uniform(0, seconds),
        trouble=trouble,
        status=chance.choice(statuses),
        times=1 if trouble is Trouble.MODEL_STALLS else chance.randint(1, 3),
        length_s=chance.uniform(0.1, 3.0),
    )
