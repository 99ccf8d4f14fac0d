"""What begins as soon as a message has arrived."""

import asyncio

import pytest

from bot.config.bot import Bot
from bot.records import Acceptance, Message, MessageKind, SessionKey
from bot.rooms.foresight import Foresight
from tests.rooms.people import LANE, FakeRoster, a_bot, said


class Beginnings:
    """An inbox and sessions that remember what came first."""

    def __init__(self) -> None:
        self.began: list[object] = []
        self.landing: asyncio.Future[Acceptance] = asyncio.get_running_loop().create_future()

    def accept(self, message: Message, *, lane: str) -> asyncio.Future[Acceptance]:
        """Take a message."""
        self.began.append((message.id, lane))
        return self.landing

    def expect(self, bot: Bot, key: SessionKey, *, lane: str) -> None:
        """Open a session."""
        self.began.append((bot.id, key, lane))


async def test_a_session_is_opened_while_the_message_goes_to_the_disk() -> None:
    """First the disk begins, and nobody waits for it here."""
    world = Beginnings()
    roster = FakeRoster(a_bot(scope="user"))
    heard: list[Message] = []
    foresight = Foresight(
        world,
        world,
        roster.serving,
        on_message=heard.append,
        on_lost=lambda: None,
        stopping=lambda: False,
    )
    assert foresight.accept(said(), lane=LANE) is world.landing
    assert heard == [said()]
    assert world.began == [("1", LANE), ("ada", SessionKey(room="42", bot="ada", user="7"), LANE)]


async def test_of_several_in_a_rush_the_first_one_counts() -> None:
    """What comes in the same turn of the loop has the same session opened, and only once."""
    world = Beginnings()
    foresight = Foresight(
        world,
        world,
        FakeRoster(a_bot(scope="user")).serving,
        on_message=lambda _: None,
        on_lost=lambda: None,
        stopping=lambda: False,
    )
    key = SessionKey(room="42", bot="ada", user="7")
    for _ in range(2):
        for number in (1, 2):
            foresight.accept(said(number=number), lane=LANE)
        assert world.began == [("1", LANE), ("ada", key, LANE), ("2", LANE)]
        world.began.clear()
        await asyncio.sleep(0)


@pytest.mark.parametrize("why", ["bare", "unknown bot", "stopping"])
async def test_nothing_is_opened_for_nothing(why: str) -> None:
    """A name alone needs no agent, and what comes at the end waits for the next start."""
    world = Beginnings()
    roster = FakeRoster() if why == "unknown bot" else FakeRoster(a_bot())
    kind = MessageKind.BARE if why == "bare" else MessageKind.TEXT
    foresight = Foresight(
        world,
        world,
        roster.serving,
        on_message=lambda _: None,
        on_lost=lambda: None,
        stopping=lambda: why == "stopping",
    )
    foresight.accept(said(kind=kind), lane=LANE)
    assert world.began == [("1", LANE)]
