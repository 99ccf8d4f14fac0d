"""No room shows a turn under way that is over, whatever happened to the server or the platform."""

import pytest

from bot.errors import ChatRefused, ChatUnavailable
from bot.journal import Journal
from bot.records import Entry, Outcome, PartState, Sign
from tests.rooms.people import FakeChat, FakeRoster, accepted, in_room, said
from tests.rooms.watching import Hands, a_room

_GROWING = "<p>⏳</p>"
_DOWN = ChatUnavailable("connection refused")


@pytest.fixture
def clock() -> Hands:
    """Give a clock that the test moves."""
    return Hands()


async def left_behind(
    journal: Journal, *, remote_id: str | None = "77", outcome: Outcome = Outcome.STOPPED
) -> Entry:
    """Have a message end while its placeholder stands in the room."""
    entry = await accepted(journal, said())
    part = await journal.signs.claim(entry, Sign.PLACEHOLDER, _GROWING)
    assert part is not None
    if remote_id is not None:
        await journal.mark_posted(part, remote_id=remote_id)
    await journal.settle(entry, outcome=outcome)
    return entry


async def test_what_is_left_is_removed(journal: Journal, clock: Hands) -> None:
    """And forgotten then."""
    entry = await left_behind(journal)
    async with a_room(journal, clock) as room:
        await room.clearing.run()
        await room.clearing.run()
    assert room.chat.changes == ["remove 77"]
    assert await journal.signs.placeholder(entry) is None


async def test_what_is_under_way_is_left_alone(journal: Journal, clock: Hands) -> None:
    """The turn of an open message takes its placeholder up; one that ends is not disturbed."""
    entry = await accepted(journal, said())
    part = await journal.signs.claim(entry, Sign.PLACEHOLDER, _GROWING)
    assert part is not None
    await journal.mark_posted(part, remote_id="77")
    async with a_room(journal, clock) as room:
        await room.clearing.run()
        await journal.settle(entry, outcome=Outcome.STOPPED)
        room.clearing.busy.add(entry.seq)
        await room.clearing.run()
        assert room.chat.changes == []
        room.clearing.busy.clear()
        await room.clearing.run()
        assert room.chat.changes == ["remove 77"]


@pytest.mark.parametrize(
    ("outcome", "reaction"), [(Outcome.STOPPED, "❌"), (Outcome.TOLD, "❌"), (Outcome.DEAD, "❌")]
)
async def test_how_it_ended_is_shown_once(
    journal: Journal, clock: Hands, outcome: Outcome, reaction: str
) -> None:
    """Also after a restart, and not again when that fails: it may be there."""
    entry = await accepted(journal, said())
    await journal.signs.claim(entry, Sign.SEEN, "👀")
    await journal.settle(entry, outcome=outcome)
    async with a_room(journal, clock) as room:
        await room.clearing.run()
        await room.clearing.run()
    assert room.chat.changes == [f"react 1 {reaction}"]


async def test_a_platform_that_is_down_is_asked_again(journal: Journal, clock: Hands) -> None:
    """Later each time."""
    await left_behind(journal)
    async with a_room(journal, clock, FakeChat(change_fates=[_DOWN, _DOWN])) as room:
        for _ in range(3):
            await room.clearing.run()
            await room.clearing.run()
            clock.jump(4.0)
        assert room.chat.changes == ["remove 77"]


async def test_what_is_refused_is_left_in_the_end(journal: Journal, clock: Hands) -> None:
    """A wrong key may be mended; but nobody tries for ever, and an operator reads of it."""
    entry = await left_behind(journal)
    refusals: list[Exception | None] = [ChatRefused("403")] * 64
    async with a_room(journal, clock, FakeChat(change_fates=refusals)) as room:
        for _ in range(70):
            await room.clearing.run()
            clock.jump(100.0)
        assert (room.chat.changes, room.chat.change_fates) == ([], [])
    part = await journal.signs.placeholder(entry)
    assert part is not None
    assert (part.state, part.error) == (PartState.DEAD, "403")


async def test_a_bot_that_is_gone_can_remove_nothing(journal: Journal, clock: Hands) -> None:
    """Without its key nobody can; it is left."""
    entry = await left_behind(journal)
    async with a_room(journal, clock) as room:
        room.clearing._roster = FakeRoster()
        await room.clearing.run()
        assert room.chat.changes == []
    part = await journal.signs.placeholder(entry)
    assert part is not None
    assert part.state is PartState.DEAD


async def test_one_without_an_id_is_looked_for(journal: Journal, clock: Hands) -> None:
    """The server ended before it knew the id: by its text it is found, and removed."""
    entry = await left_behind(journal, remote_id=None)
    chat = FakeChat(history=[in_room("<p>Hello</p>", 87), in_room(_GROWING, 88)])
    async with a_room(journal, clock, chat) as room:
        await room.clearing.run()
        assert room.chat.changes == ["remove 88"]
    assert await journal.signs.placeholder(entry) is None


async def test_one_that_never_arrived_is_forgotten(journal: Journal, clock: Hands) -> None:
    """Not before it cannot arrive any more."""
    entry = await left_behind(journal, remote_id=None)
    async with a_room(journal, clock, FakeChat(history=[])) as room:
        await room.clearing.run()
        assert await journal.signs.placeholder(entry) is not None
        clock.jump(20.0)
        await room.clearing.run()
        assert await journal.signs.placeholder(entry) is None
        assert room.chat.changes == []
