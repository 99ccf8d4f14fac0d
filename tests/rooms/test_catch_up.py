"""Which rooms are read, and when, to find what never arrived."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.config.bot import Bot
from bot.errors import ChatRefused, ChatUnavailable
from bot.journal import Journal
from bot.records import Acceptance, Message, RoomMessage
from bot.rooms.catch_up import CatchUp
from tests.rooms.people import KIM, LANE, Clock, a_bot, said

DAY_S = 86_400.0


class Bots:
    """Ada, and nobody else."""

    def get(self, bot_id: str) -> Bot | None:
        """Return Ada."""
        return a_bot() if bot_id == "ada" else None


class History:
    """Rooms that a bot can read; everything in them is said to Ada."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.said: list[RoomMessage] = []
        #: The rooms that were read, each time.
        self.read: list[str] = []
        #: What the next reading raises.
        self.fails: Exception | None = None

    def say(self, number: int) -> RoomMessage:
        """Let Kim say something now."""
        now = datetime.fromtimestamp(self._clock(), UTC)
        message = RoomMessage(
            id=str(number), position=number, author=KIM, by_bot=False,
            plain="What is new?", html=None, created_at=now,
        )  # fmt: skip
        self.said.append(message)
        return message

    async def history(self, *, room: str, key: str, **_: Any) -> tuple[RoomMessage, ...] | None:
        """Return everything."""
        return await self.history_since(room, key, "0", limit=40)

    async def history_since(
        self, room: str, _key: str, after: str, *, limit: int
    ) -> tuple[RoomMessage, ...] | None:
        """Return what came after a message."""
        self.read.append(room)
        if self.fails is not None:
            raise self.fails
        return tuple(one for one in self.said if one.position > int(after))[:limit]

    def read_missed(self, message: RoomMessage, *, received_at: datetime, **_: Any) -> Message:
        """Return what its delivery would have said."""
        return replace(said(number=message.position), received_at=received_at)


@pytest.fixture
def history(clock: Clock) -> History:
    """Give a history in which nobody has said anything."""
    return History(clock)


@pytest.fixture
def enqueued() -> list[str]:
    """Give the lanes that were told of something new."""
    return []


@pytest.fixture
def catch_up(journal: Journal, history: History, clock: Clock, enqueued: list[str]) -> CatchUp:
    """Give what catches up in the Watercooler, for an hour."""
    return CatchUp(
        journal,
        journal,
        Bots(),
        {"campfire": history},
        enqueue=enqueued.append,
        within_s=3600.0,
        now=clock,
    )


async def heard(journal: Journal, history: History, number: int) -> None:
    """Have a message arrive as messages do."""
    message = history.say(number)
    arrived = replace(said(number=number), received_at=message.created_at)
    assert await journal.accept(arrived, lane=LANE) is Acceptance.NEW


async def test_rooms_in_use_are_read_every_five_minutes(
    journal: Journal, history: History, catch_up: CatchUp, clock: Clock
) -> None:
    """However often it is thought of; a room that nobody used for a day is left in peace."""
    await heard(journal, history, 1)
    await catch_up.run()
    begun = len(history.read)
    assert begun
    await clock.sleep(299)
    await catch_up.run()
    assert len(history.read) == begun
    await clock.sleep(1)
    await catch_up.run()
    assert len(history.read) == begun + 1
    await clock.sleep(DAY_S)
    await catch_up.run()
    assert len(history.read) == begun + 1


async def test_a_start_reads_rooms_that_were_silent_for_long(
    journal: Journal, history: History, catch_up: CatchUp, clock: Clock
) -> None:
    """Nobody knows for how long there was no server; after a month a room is a new one."""
    await heard(journal, history, 1)
    await clock.sleep(29 * DAY_S)
    await catch_up.run()
    assert history.read
    history.read.clear()
    await clock.sleep(2 * DAY_S)
    await CatchUp(
        journal, journal, Bots(), {"campfire": history},
        enqueue=lambda _lane: None, within_s=3600.0, now=clock,
    ).run()  # fmt: skip
    assert not history.read


async def test_a_gap_is_found(
    journal: Journal, history: History, catch_up: CatchUp, clock: Clock, enqueued: list[str]
) -> None:
    """The tenth never arrived, the eleventh did: what was read counts, not what was heard."""
    await heard(journal, history, 9)
    await catch_up.run()
    history.say(10)
    await clock.sleep(290)
    await heard(journal, history, 11)
    await clock.sleep(10)
    with capture_logs() as logs:
        await catch_up.run()
    assert [line["message"] for line in logs if line["event"] == "message_caught_up"] == ["10"]
    assert enqueued == [LANE]
    assert (await journal.tally()).accepted == 3


async def test_a_new_room_starts_at_the_first_word_that_was_heard(
    journal: Journal, history: History, catch_up: CatchUp, enqueued: list[str]
) -> None:
    """What was said to the bot before is nobody's to answer; what is missing since then is."""
    history.say(1)
    history.say(2)
    await heard(journal, history, 3)
    history.say(4)
    await catch_up.run()
    assert (enqueued, (await journal.tally()).accepted) == ([LANE], 2)


async def test_what_is_too_old_is_one_line(
    journal: Journal, history: History, catch_up: CatchUp, clock: Clock, enqueued: list[str]
) -> None:
    """However many those are; one within the hour is still answered."""
    await heard(journal, history, 1)
    await catch_up.run()
    for number in (2, 3, 4):
        history.say(number)
    await clock.sleep(3601)
    history.say(5)
    with capture_logs() as logs:
        await catch_up.run()
    (line,) = (line for line in logs if line["event"] == "messages_too_old")
    assert (line["skipped"], line["log_level"]) == (3, "warning")
    tally = await journal.tally()
    assert (tally.accepted, tally.skipped, enqueued) == (5, 3, [LANE])


@pytest.mark.parametrize(
    ("error", "again"), [(ChatUnavailable("away"), True), (ChatRefused("not a member"), False)]
)
async def test_what_cannot_be_read(
    journal: Journal, history: History, catch_up: CatchUp, error: Exception, *, again: bool
) -> None:
    """A platform that is away is asked at the next call, a room that shuts us out is not."""
    await heard(journal, history, 1)
    await catch_up.run()
    catch_up.look_again()
    history.read.clear()
    history.fails = error
    await catch_up.run()
    history.fails = None
    await catch_up.run()
    assert len(history.read) == 1 + again
