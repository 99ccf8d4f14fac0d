import asyncio
from dataclasses import replace
from datetime import timedelta

from bot.journal import Journal
from bot.records import Acceptance, Outcome, PartKind
from tests.journal.engines import LANE, NOON, Clock, said


async def test_a_message_comes_back_as_it_was_accepted(journal: Journal) -> None:
    """Every field of a message survives, markup and emoji too."""
    message = said("Café 🔥 <b>&amp;</b>\x00 end")
    assert await journal.accept(message, lane=LANE) is Acceptance.NEW
    head = await journal.head(LANE)
    assert head is not None
    assert head.message == message
    assert (head.lane, head.accepted_at, head.verdict) == (LANE, NOON, None)
    assert (head.attempts, head.parts) == ((), ())
    assert await journal.entry(head.seq) == head


async def test_a_nameless_room_and_a_missing_html_survive(journal: Journal) -> None:
    """What may be None stays None."""
    message = replace(said(), room_name=None, direct=True, html=None)
    await journal.accept(message, lane=LANE)
    head = await journal.head(LANE)
    assert head is not None
    assert head.message == message


async def test_half_a_character_does_not_lose_the_message(journal: Journal) -> None:
    """A lone surrogate, which JSON allows and databases refuse, is replaced."""
    message = replace(said("broken \ud83d tail"), html=None)
    assert await journal.accept(message, lane=LANE) is Acceptance.NEW
    head = await journal.head(LANE)
    assert head is not None
    assert head.message.text == "broken \ufffd tail"


async def test_a_repeated_delivery_changes_nothing(journal: Journal) -> None:
    """The second delivery of a message is neither stored nor counted."""
    await journal.accept(said("first"), lane=LANE)
    assert await journal.accept(said("again"), lane=LANE) is Acceptance.REPEATED
    assert (await journal.tally()).accepted == 1
    head = await journal.head(LANE)
    assert head is not None
    assert head.message.text == "first"


async def test_concurrent_duplicates_are_accepted_once(journal: Journal) -> None:
    """Of fifty deliveries of one message at the same moment, one is new."""
    answers = await asyncio.gather(*(journal.accept(said(), lane=LANE) for _ in range(50)))
    assert answers.count(Acceptance.NEW) == 1
    assert (await journal.tally()).open == 1


async def test_a_settled_message_stays_a_duplicate(journal: Journal) -> None:
    """A delivery that is repeated after the answer is still known."""
    await journal.accept(said(), lane=LANE)
    head = await journal.head(LANE)
    assert head is not None
    await journal.settle(head, outcome=Outcome.TOLD)
    assert await journal.accept(said(), lane=LANE) is Acceptance.REPEATED


async def test_the_same_number_for_another_bot_is_another_message(journal: Journal) -> None:
    """A message that addresses two bots is owed by both."""
    await journal.accept(said(bot="ada"), lane=LANE)
    assert await journal.accept(said(bot="bo"), lane=LANE) is Acceptance.NEW
    assert await journal.open_messages("ada") == 1
    assert await journal.open_messages("cy") == 0


async def test_the_lowest_position_goes_first(journal: Journal) -> None:
    """What the platform puts earlier is next, even when it arrives later."""
    for number in (3, 1, 2):
        await journal.accept(said(number=number), lane=LANE)
    order = []
    while head := await journal.head(LANE):
        order.append(head.message.position)
        await journal.settle(head, outcome=Outcome.SKIPPED)
    assert order == [1, 2, 3]


async def test_what_is_half_said_is_said_to_its_end(journal: Journal) -> None:
    """A message with a frozen reply goes before a lower one that was accepted later."""
    await journal.accept(said(number=5), lane=LANE)
    halfway = await journal.head(LANE)
    assert halfway is not None
    await journal.freeze(
        halfway,
        ["One.", "Two."],
        kind=PartKind.ANSWER,
        verdict=Outcome.ANSWERED,
        attempt=None,
        answer_text=None,
    )
    await journal.accept(said(number=4), lane=LANE)
    order = []
    while head := await journal.head(LANE):
        order.append(head.message.position)
        await journal.settle(head, outcome=Outcome.SKIPPED)
    assert order == [5, 4]


async def test_equal_positions_go_in_the_order_of_acceptance(journal: Journal) -> None:
    """Two bots that are addressed by one message answer in the order they were told."""
    await journal.accept(said(bot="bo"), lane=LANE)
    await journal.accept(said(bot="ada"), lane=LANE)
    head = await journal.head(LANE)
    assert head is not None
    assert head.message.bot == "bo"


async def test_lanes_with_open_messages_are_listed_oldest_first(
    journal: Journal, clock: Clock
) -> None:
    """A lane is listed while it owes something, with its count and its age."""
    await journal.accept(said(number=1), lane="b")
    clock.pass_(5)
    await journal.accept(said(number=2), lane="a")
    await journal.accept(said(number=3), lane="b")
    assert await journal.open_lanes() == ("b", "a")
    first, second = await journal.lanes()
    assert (first.lane, first.open, first.oldest) == ("b", 2, NOON)
    assert (second.lane, second.open, second.oldest) == ("a", 1, NOON + timedelta(seconds=5))


async def test_an_empty_lane_has_no_head(journal: Journal) -> None:
    """Nothing is next where nothing waits."""
    assert await journal.head(LANE) is None
    assert await journal.open_lanes() == ()
    assert await journal.entry(1) is None


async def test_dead_letters_come_in_pages_newest_first(journal: Journal) -> None:
    """An operator reads what was given up, and why, a page at a time."""
    for number in (1, 2, 3):
        await journal.accept(said(number=number), lane=LANE)
        head = await journal.head(LANE)
        assert head is not None
        await journal.settle(head, outcome=Outcome.DEAD, reason=f"reason {number}")
    newest, second = await journal.letters.listed(limit=2)
    assert (newest.reason, second.reason) == ("reason 3", "reason 2")
    (oldest,) = await journal.letters.listed(limit=2, before=second.entry.seq)
    assert (oldest.entry.message.id, oldest.settled_at) == ("1", NOON)
