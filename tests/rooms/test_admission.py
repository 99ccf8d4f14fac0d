"""Who may wait for a turn, and who is told that they may not."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.config.bot import Bot
from bot.journal import Journal
from bot.journal.reception import Reception
from bot.journal.views import Crowd
from bot.records import Acceptance, Message, Person
from bot.rooms.admission import Admission, why_refuse
from bot.rooms.lane import Refused, lane_of, refusal_lane, why_refused
from tests.rooms.people import KIM, LANE, LEE, a_bot, said


def a_busy_bot(
    mode: str = "queue", *, waiting: int = 50, each: int = 2, scope: str = "room"
) -> Bot:
    """Return Ada with bounds."""
    bot = a_bot(scope=scope)
    rules = replace(bot.turn, when_busy=mode, max_waiting=waiting, max_waiting_each=each)
    return replace(bot, turn=rules)


class Counted:
    """A reception that notes who was counted for."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        self.looked = 0

    def accept_by(
        self, message: Message, lane: str, *, user: str | None, choose: Callable[[Crowd], str]
    ) -> asyncio.Future[Acceptance]:
        """Pass it on, and count."""
        self.looked += 1
        return self._reception.accept_by(message, lane, user=user, choose=choose)


async def lanes_of(journal: Journal, bot: Bot, *authors: Person) -> list[str]:
    """Have a message of each come at the same moment; return the lanes there are then."""
    admission = Admission(journal, journal.reception, {bot.id: bot}.get)
    async with asyncio.TaskGroup() as group:
        for number, author in enumerate(authors):
            landing = admission.accept(said(number=number, author=author), lane=LANE)
            group.create_task(landed(landing))
    return [f"{waiting.lane} {waiting.open}" for waiting in await journal.lanes()]


async def landed(landing: asyncio.Future[Acceptance]) -> None:
    """Wait until a message is on disk."""
    assert await landing is Acceptance.NEW


@pytest.mark.parametrize(
    ("crowd", "why"),
    [
        (Crowd(waiting=0, each=0, session=0), None),
        (Crowd(waiting=3, each=1, session=4), None),
        (Crowd(waiting=3, each=2, session=4), Refused.EACH),
        (Crowd(waiting=50, each=1, session=4), Refused.ROOM),
    ],
)
def test_bounds(crowd: Crowd, why: Refused | None) -> None:
    """The person's own comes first: others are not the reason then."""
    assert why_refuse(a_busy_bot().turn, crowd) is why


def test_a_bot_that_rejects_waits_for_no_two() -> None:
    """What is open in the session is reason enough; what is open elsewhere is none."""
    rules = a_busy_bot("reject").turn
    assert why_refuse(rules, Crowd(waiting=0, each=0, session=1)) is Refused.BUSY
    assert why_refuse(rules, Crowd(waiting=1, each=0, session=0)) is None


@pytest.mark.parametrize("why", Refused)
def test_a_lane_says_why(why: Refused) -> None:
    """Whatever the room is called; ordinary lanes say nothing."""
    message = said()
    lane = lane_of(a_bot(), message)
    assert why_refused(refusal_lane(lane, message, why)) is why
    assert why_refused(lane) is None
    assert why_refused("campfire/42!busy!x") is None
    assert why_refused("!stop!campfire/42") is None


async def test_what_is_over_goes_elsewhere(journal: Journal) -> None:
    """In the commit that accepts it, by what is there at that moment."""
    lanes = await lanes_of(journal, a_busy_bot(), KIM, KIM, KIM, LEE, KIM)
    assert lanes == ["campfire/42 3", "!each!campfire/42/ada/7 2"]


async def test_a_room_has_its_bound(journal: Journal) -> None:
    """Whoever comes too late is told so in a lane of their own."""
    lanes = await lanes_of(journal, a_busy_bot(waiting=2, each=9), KIM, LEE, KIM, LEE)
    assert lanes == ["campfire/42 2", "!room!campfire/42/ada/7 1", "!room!campfire/42/ada/8 1"]


async def test_a_rejecting_bot_takes_the_first(journal: Journal) -> None:
    """Of those that come together, too."""
    assert await lanes_of(journal, a_busy_bot("reject"), KIM, LEE) == [
        "campfire/42 1",
        "!busy!campfire/42/ada/8 1",
    ]


async def test_persons_sessions_are_busy_by_themselves(journal: Journal) -> None:
    """With `scope = "user"`, Lee's message waits for Kim's turn, and is not refused for it."""
    lanes = await lanes_of(journal, a_busy_bot("reject", scope="user"), KIM, LEE, KIM)
    assert lanes == ["campfire/42 2", "!busy!campfire/42/ada/7 1"]


async def test_most_messages_are_not_counted(journal: Journal) -> None:
    """Only where so much came that it could be too much; and no more once the lane was empty."""
    counted, bot = Counted(journal.reception), a_busy_bot()
    admission = Admission(journal, counted, {bot.id: bot}.get)
    for number in range(3):
        await admission.accept(said(number=number, author=LEE), lane=LANE)
    assert counted.looked == 1
    admission.lane_ended(LANE)
    await admission.accept(said(number=3, author=LEE), lane=LANE)
    assert counted.looked == 1


async def test_a_bot_that_is_not_known_has_no_bounds(journal: Journal) -> None:
    """Its messages wait for whoever gives them up."""
    admission = Admission(journal, journal.reception, {}.get)
    assert await admission.accept(said(), lane=LANE) is Acceptance.NEW
