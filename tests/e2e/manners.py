"""Many people in many rooms who speak in bursts; and whether everybody was answered or told.

The stand-in model says back what each prompt asked, and whose it was, so that an answer shows by
itself whom it answers.
"""

import asyncio
import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.language.english import ENGLISH
from bot.testing.campfire import Campfire
from bot.testing.campfire.directory import Room
from bot.testing.campfire.records import BotAccount, PersonAccount

MODES = ("queue", "collect", "steer", "interrupt", "reject")

_TOKEN = re.compile(r"(?P<name>Guest \d+): (?P<token>t\d+)\b")
_TOLD = tuple(
    re.compile(re.escape(sentence).replace(r"\{count\}", r"(\d+)"))
    for sentence in (
        ENGLISH.busy,
        ENGLISH.busy_more,
        ENGLISH.too_many,
        ENGLISH.too_many_more,
        ENGLISH.crowded,
        ENGLISH.crowded_more,
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """One message, which an answer is known by."""

    token: str
    room: int
    author: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What became of all that was said."""

    said: int
    answered: int
    #: By the numbers in the sentences that refuse.
    told: int
    #: Neither answered nor told.
    forgotten: int
    #: Answered to somebody else, or in another room.
    misattributed: int
    #: Answered more than once.
    repeated: int
    #: What the bot said in the rooms.
    posts: int

    @property
    def good(self) -> bool:
        """Whether a person of manners would have behaved so."""
        return not (self.forgotten or self.misattributed or self.repeated)


class Party:
    """Guests and rooms."""

    def __init__(self, campfire: Campfire, bot: BotAccount, *, people: int, rooms: int) -> None:
        self._campfire = campfire
        self._bot = bot
        self._random = random.Random(5)  # noqa: S311 - the same party each time
        self._people = [campfire.add_person(f"Guest {number}") for number in range(people)]
        members = [*self._people, bot]
        self._rooms = [campfire.add_room(f"Room {n}", members=members) for n in range(rooms)]
        self._said: list[Said] = []

    async def speak(self, messages: int, *, pause: Callable[[], Awaitable[None]]) -> None:
        """Have so many messages said: bursts of one to four by a guest, *pause* between rounds."""
        while len(self._said) < messages:
            await asyncio.gather(
                *(self._burst(room, messages) for room in self._rooms for _ in range(2))
            )
            await pause()
        await self._campfire.delivered()

    async def _burst(self, room: Room, messages: int) -> None:
        guest = self._random.choice(self._people)
        for _ in range(self._random.randint(1, 4)):
            if len(self._said) == messages:
                return
            await self._say(room, guest)

    async def _say(self, room: Room, guest: PersonAccount) -> None:
        token = f"t{len(self._said):05}"
        self._said.append(Said(token=token, room=room.id, author=guest.name))
        await self._campfire.say(room, guest, f"@Ada say back: {token}", mention=[self._bot])

    def judge(self) -> Verdict:
        """Look at what the rooms show."""
        answers: Counter[Said] = Counter()
        told = posts = 0
        for room in self._rooms:
            for text in self._heard(room):
                answers.update(_answered(text, room.id))
                told += _told(text)
                posts += 1
        expected = set(self._said)
        answered = sum(1 for one in self._said if answers[one])
        return Verdict(
            said=len(self._said),
            answered=answered,
            told=told,
            forgotten=len(self._said) - answered - told,
            misattributed=sum(answers[one] for one in answers if one not in expected),
            repeated=sum(answers[one] - 1 for one in answers if one in expected),
            posts=posts,
        )

    def _heard(self, room: Room) -> Sequence[str]:
        messages = self._campfire.room(room).messages
        return [message.plain for message in messages if message.creator.id == self._bot.id]


def _answered(text: str, room: int) -> list[Said]:
    return [
        Said(token=found["token"], room=room, author=found["name"])
        for found in _TOKEN.finditer(text)
    ]


def _told(text: str) -> int:
    """Return how many messages a sentence refuses."""
    for sentence in _TOLD:
        if found := sentence.search(text):
            return int(found[1]) if found.groups() else 1
    return 0
