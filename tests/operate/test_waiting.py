from bot.journal import WaitingLane
from bot.operate.waiting import Waiting
from tests.operate.characters import NOON, WATERCOOLER, make_bot

ADA, BO = make_bot("ada"), make_bot("bo")


def waiting(**lanes: int) -> Waiting:
    """Give what waits; two underscores stand for a slash."""
    return Waiting(
        WaitingLane(lane=lane.replace("__", "/"), open=count, oldest=NOON)
        for lane, count in lanes.items()
    )


def test_a_rooms_lane_counts_for_all_its_bots() -> None:
    """A message to any of them waits there."""
    both = waiting(campfire__7=3)
    assert [both.open(bot, WATERCOOLER) for bot in (ADA, BO)] == [3, 3]
    assert both.open(ADA, "8") == 0


def test_a_bots_own_lane_counts_for_it_alone() -> None:
    """The other bots of the room have another one."""
    adas = waiting(campfire__7__ada=2)
    assert [adas.open(bot, WATERCOOLER) for bot in (ADA, BO)] == [2, 0]


def test_every_session_that_may_be_asked_is_in_use() -> None:
    """Of a room's lane all bots of the platform, of a bot's lane at least that one."""
    in_use = waiting(campfire__7=1, campfire__8__bo=1).in_use({"ada": ADA, "bo": BO})
    assert in_use >= {("7", "ada"), ("7", "bo"), ("8", "bo")}
    assert ("8", "ada") not in in_use


def test_nothing_waits_for_another_platform() -> None:
    """Rooms of two platforms may share a number."""
    assert waiting(slack__7=1).in_use({"ada": ADA}) == frozenset()
