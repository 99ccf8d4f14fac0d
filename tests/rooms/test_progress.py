"""What a room sees of a turn while it runs, and that the turn never notices."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from anyio.lowlevel import checkpoint

from bot.errors import ChatRefused, ChatUnavailable, ChatUncertain, JournalUnavailable
from bot.journal import Journal
from bot.language.english import ENGLISH
from bot.records import Entry, Outcome, Part, PartKind, Sign
from bot.rooms.lookup import Lookup
from bot.rooms.placeholder import Placeholder
from bot.testing.gate import Gate
from tests.rooms.people import FakeChat, a_bot, a_journal, accepted, in_room, said
from tests.rooms.watching import Hands, Room, a_room, until

_GROWING = "<p>⏳</p>"
_DOWN = ChatUnavailable("connection refused")
_SILENT = ChatUncertain("no answer")


@pytest.fixture
def clock() -> Hands:
    """Give a clock that the test moves."""
    return Hands()


@pytest.fixture
async def room(journal: Journal, clock: Hands) -> AsyncIterator[Room]:
    """Give a room where messages can be changed."""
    async with a_room(journal, clock) as room:
        yield room


class Line(FakeChat):
    """A platform that makes one message of everything."""

    def render(self, markdown: str) -> tuple[str, ...]:
        """Keep it as it is."""
        return (markdown.replace("\n\n", " "),)


async def freeze(journal: Journal, entry: Entry, *, into: str | None = None) -> tuple[Part, ...]:
    """Fix an answer."""
    return await journal.freeze(
        entry,
        ["an answer"],
        kind=PartKind.ANSWER,
        verdict=Outcome.ANSWERED,
        attempt=None,
        answer_text="an answer",
        into=into,
    )


async def test_it_is_seen_then_grows(journal: Journal, clock: Hands) -> None:
    """A reaction, a placeholder, and an edit whenever there is more to show, once a second."""
    texts: list[str] = []
    async with a_room(journal, clock, Line()) as room:
        entry = await accepted(journal, said())
        async with room.progress.shown(entry, a_bot()) as showing:
            showing.follow(lambda: "".join(texts))
            await clock.move(1.0)
            await until(lambda: room.chat.changes == ["react 1 👀"])
            await clock.move(1.0)
            await until(lambda: room.chat.room == ["⏳"])
            texts.append("All is wel")
            await clock.move(1.0)
            await until(lambda: room.chat.changes[-1] == "edit 101 All is ⏳")
            texts.append("l, so ")
            await clock.move(1.0)
            await until(lambda: room.chat.changes[-1] == "edit 101 All is well, so ⏳")
            assert await showing.give_way() == "101"
        assert len(room.chat.changes) == 3


async def test_nothing_new_is_no_edit(room: Room, clock: Hands) -> None:
    """However often it is thought of."""
    entry = await accepted(room.journal, said())
    async with room.progress.shown(entry, a_bot()):
        await clock.move(2.0)
        await until(lambda: room.chat.room == [_GROWING])
        for _ in range(5):
            await clock.move(1.0)
    assert room.chat.changes == ["react 1 👀"]


async def test_a_quick_turn_leaves_no_trace(room: Room, clock: Hands) -> None:
    """Neither in the room nor in the journal."""
    entry = await accepted(room.journal, said())
    async with room.progress.shown(entry, a_bot()) as showing:
        await clock.move(0.9)
        assert await showing.give_way() is None
    clock.jump(100.0)
    assert (room.chat.room, room.chat.changes) == ([], [])
    assert await room.journal.signs.placeholder(entry) is None
    assert not room.clearing.busy


async def test_after_a_long_turn_the_placeholder_goes(room: Room, clock: Hands) -> None:
    """Nobody is notified of an edit: the answer is a message of its own, and stands there first."""
    entry = await accepted(room.journal, said())
    async with room.progress.shown(entry, a_bot()) as showing:
        await clock.move(2.0)
        await until(lambda: room.chat.room == [_GROWING])
        await clock.move(8.1)
        assert await showing.give_way() is None
        (part,) = await freeze(room.journal, entry)
        await room.journal.settle(entry, last=part, remote_id="150")
        assert "remove 101" not in room.chat.changes
    await until(lambda: room.chat.changes[1:] == ["react 1 ✅", "remove 101"])


async def test_a_placeholder_that_became_the_answer_stays(room: Room, clock: Hands) -> None:
    """It is the reply's then, and no sign any more."""
    entry = await accepted(room.journal, said())
    async with room.progress.shown(entry, a_bot()) as showing:
        await clock.move(2.0)
        await until(lambda: room.chat.room == [_GROWING])
        await until(lambda: showing.errand is not None and showing.errand.done())
        (part,) = await freeze(room.journal, entry, into=await showing.give_way())
        assert part.remote_id == "101"
        await room.journal.settle(entry, last=part, remote_id="101")
    await until(lambda: room.chat.changes == ["react 1 👀", "react 1 ✅"])
    await until(lambda: not room.clearing.busy)
    assert await room.journal.signs.left() == ()
    assert await room.journal.signs.placeholder(entry) is None


async def test_an_edit_under_way_is_not_overtaken(journal: Journal, clock: Hands) -> None:
    """The answer becomes a message of its own, at once; what was begun is brought to its end."""
    gate = Gate()

    class Slow(Line):
        async def edit(self, *, room: str, message: str, html: str, key: str) -> None:
            await gate()
            await super().edit(room=room, message=message, html=html, key=key)

    async with a_room(journal, clock, Slow()) as room:
        entry = await accepted(journal, said())
        async with room.progress.shown(entry, a_bot()) as showing:
            await clock.move(2.0)
            await until(lambda: len(room.chat.room) == 1)
            showing.follow(lambda: "All is well, really")
            await clock.move(1.0)
            await gate.reached()
            assert await showing.give_way() is None
            (part,) = await freeze(journal, entry)
            await journal.settle(entry, last=part, remote_id="150")
        assert room.clearing.busy
        gate.release()
        await until(lambda: room.chat.changes[-1] == "remove 101")
        assert room.chat.changes[1].startswith("edit 101")


@pytest.mark.parametrize("error", [_DOWN, _SILENT, ChatRefused("404")])
async def test_failures_are_not_the_turns(room: Room, clock: Hands, error: Exception) -> None:
    """What cannot be shown is not shown; the turn goes on."""
    room.chat.change_fates = [error] * 20
    room.chat.fates = [error] * 20
    entry = await accepted(room.journal, said())
    async with room.progress.shown(entry, a_bot()) as showing:
        for _ in range(200):
            clock.jump(1.0)
            await asyncio.sleep(0)
        assert await showing.give_way() is None
    assert room.chat.room == []


async def test_an_edit_nobody_knows_of_is_the_last_word_of_none(
    journal: Journal, clock: Hands
) -> None:
    """It may be carried out late: the placeholder cannot become the answer any more."""
    async with a_room(journal, clock, Line(change_fates=[None, _SILENT])) as room:
        entry = await accepted(journal, said())
        async with room.progress.shown(entry, a_bot()) as showing:
            await clock.move(2.0)
            await until(lambda: len(room.chat.room) == 1)
            showing.follow(lambda: "All is well")
            await clock.move(1.0)
            await until(lambda: not room.chat.change_fates)
            await until(lambda: showing.errand is not None and showing.errand.done())
            assert await showing.give_way() is None


async def test_errors_of_the_turn_keep_their_class(room: Room) -> None:
    """Whoever runs the turn tells them apart."""
    entry = await accepted(room.journal, said())
    with pytest.raises(JournalUnavailable):
        async with room.progress.shown(entry, a_bot()):
            raise JournalUnavailable("journal.db", "disk full")


async def test_a_bug_in_showing_costs_the_message(journal: Journal, clock: Hands) -> None:
    """It ends the turn, whose edge says so in the room; the server goes on."""

    class Broken(FakeChat):
        def render(self, markdown: str) -> tuple[str, ...]:
            raise ZeroDivisionError(markdown)

    async with a_room(journal, clock, Broken()) as room:
        entry = await accepted(journal, said())

        async def turn() -> None:
            async with room.progress.shown(entry, a_bot()):
                await clock.move(2.0)
                await Gate()()

        with pytest.raises(ZeroDivisionError):
            await turn()


async def test_without_edits_there_is_one_notice(tmp_path: Path, clock: Hands) -> None:
    """Once for a message, also when the server ends in between."""
    async with a_journal(tmp_path, clock) as journal:
        entry = await accepted(journal, said())
        async with a_room(journal, clock, FakeChat(editable=False)) as room:
            async with room.progress.shown(entry, a_bot()):
                await clock.move(14.9)
                await asyncio.sleep(0)
                assert room.chat.room == []
                await clock.move(0.1)
                await until(lambda: room.chat.room == [f"<p>{ENGLISH.working}</p>"])
            assert room.chat.changes == []
    async with (
        a_journal(tmp_path, clock) as journal,
        a_room(journal, clock, FakeChat(editable=False)) as room,
    ):
        async with room.progress.shown(entry, a_bot()) as showing:
            await clock.move(60.0)
            await until(lambda: showing.errand is not None and showing.errand.done())
        assert room.chat.tried == []


async def test_an_answer_waits_for_a_notice_that_leaves(journal: Journal, clock: Hands) -> None:
    """Which would come after it otherwise, and say that it is still being worked on."""
    gate = Gate()

    class Slow(FakeChat):
        async def post(self, *, room: str, html: str, key: str) -> str | None:
            await gate()
            return await super().post(room=room, html=html, key=key)

    async with a_room(journal, clock, Slow(editable=False)) as room:
        entry = await accepted(journal, said())
        async with room.progress.shown(entry, a_bot()) as showing, asyncio.TaskGroup() as group:
            await clock.move(15.0)
            await gate.reached()
            way = group.create_task(showing.give_way(), name="the answer")
            await asyncio.sleep(0)
            assert not way.done()
            gate.release()
            assert await way is None
        assert len(room.chat.room) == 1


async def test_in_a_rush_the_answers_go_first(journal: Journal, clock: Hands) -> None:
    """Only a few signs are on their way at once; who is answered before its turn needs none."""
    gate = Gate()
    tried = 0

    class Slow(FakeChat):
        async def post(self, *, room: str, html: str, key: str) -> str | None:
            nonlocal tried
            tried += 1
            await gate()
            return await super().post(room=room, html=html, key=key)

    for number in range(1, 7):
        await journal.accept(said(number=number), lane=f"room {number}")
    async with a_room(journal, clock, Slow()) as room, AsyncExitStack() as turns:
        entries = [await journal.entry(number) for number in range(1, 7)]
        shown = [
            await turns.enter_async_context(room.progress.shown(entry, a_bot()))
            for entry in filter(None, entries)
        ]
        await until(lambda: clock.sleepers == len(shown))
        clock.jump(2.0)
        await until(lambda: tried == 4)
        for _ in range(100):
            await checkpoint()
        assert tried == 4
        last = shown[-1]
        assert await last.give_way() is None
        gate.release()
        await until(lambda: len(room.chat.room) == len(shown) - 1)
        await turns.aclose()
        assert len(room.chat.room) == len(shown) - 1


@pytest.mark.parametrize(
    ("rules", "editable"),
    [({"progress": False}, True), ({"progress": False}, False), ({"notice_after_s": 0.0}, False)],
)
async def test_it_can_be_switched_off(
    journal: Journal, clock: Hands, rules: dict[str, float], *, editable: bool
) -> None:
    """By the bot's file."""
    bot = a_bot()
    bot = replace(bot, turn=replace(bot.turn, **rules))
    async with a_room(journal, clock, FakeChat(editable=editable), bot) as room:
        entry = await accepted(journal, said())
        async with room.progress.shown(entry, bot):
            for _ in range(100):
                clock.jump(10.0)
                await asyncio.sleep(0)
        assert (room.chat.tried, room.chat.changes) == ([], [])


async def test_what_the_journal_does_not_know_does_not_grow(
    journal: Journal, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a kill it is found by its blank text only, and would stay in the room for ever."""
    entry, chat, record = await accepted(journal, said()), FakeChat(), journal.mark_posted
    lookup = Lookup(journal, now=clock, sleep=clock.sleep)
    placeholder = Placeholder(
        entry, chat, "9-abcdefghijkl", journal=journal, lookup=lookup, blank="⏳"
    )

    async def full(_part: Part, *, remote_id: str | None) -> None:
        raise JournalUnavailable("journal.db", f"disk full, {remote_id} not noted")

    monkeypatch.setattr(journal, "mark_posted", full)
    for _ in range(2):
        with pytest.raises(JournalUnavailable):
            await placeholder.show("<p>All is ⏳</p>")
    assert (chat.tried, chat.changes) == ([_GROWING], [])
    monkeypatch.setattr(journal, "mark_posted", record)
    assert await placeholder.show("<p>All is ⏳</p>")
    assert chat.changes == ["edit 101 <p>All is ⏳</p>"]
    known = await journal.signs.placeholder(entry)
    assert known is not None
    assert known.remote_id == "101"


async def test_a_rerun_takes_the_placeholder_up(journal: Journal, clock: Hands) -> None:
    """It edits the one that the process before has left, and does not react again."""
    entry = await accepted(journal, said())
    await journal.signs.claim(entry, Sign.SEEN, "👀")
    left = await journal.signs.claim(entry, Sign.PLACEHOLDER, _GROWING)
    assert left is not None
    await journal.mark_posted(left, remote_id="77")
    async with a_room(journal, clock, Line()) as room:
        async with room.progress.shown(entry, a_bot()) as showing:
            showing.follow(lambda: "All is well")
            await clock.move(2.0)
            await until(lambda: room.chat.changes == ["edit 77 All is ⏳"])
            assert await showing.give_way() is None  # an edit of that process may come late
        assert room.chat.tried == []


async def test_a_rerun_looks_for_what_may_have_arrived(journal: Journal, clock: Hands) -> None:
    """The process before ended before it knew the id: the room's history has it."""
    entry = await accepted(journal, said())
    assert await journal.signs.claim(entry, Sign.PLACEHOLDER, _GROWING)
    chat = Line(history=[in_room(_GROWING, 88)])
    async with a_room(journal, clock, chat) as room:
        async with room.progress.shown(entry, a_bot()) as showing:
            showing.follow(lambda: "All is well")
            await clock.move(2.0)
            await until(lambda: "edit 88 All is ⏳" in room.chat.changes)
        assert room.chat.tried == []


async def test_a_rerun_sends_what_never_arrived_again(journal: Journal, clock: Hands) -> None:
    """As soon as it cannot arrive any more; there is one placeholder in the end."""
    entry = await accepted(journal, said())
    assert await journal.signs.claim(entry, Sign.PLACEHOLDER, _GROWING)
    async with a_room(journal, clock, Line(history=[])) as room:
        async with room.progress.shown(entry, a_bot()):
            await clock.move(2.0)
            await until(lambda: bool(room.chat.read))
            assert room.chat.tried == []
            await clock.move(20.0)
            await until(lambda: room.chat.room == ["⏳"])
        placeholder = await journal.signs.placeholder(entry)
        assert placeholder is not None
        assert placeholder.remote_id == "101"


async def test_a_shown_turn_leaves_no_circle_behind(room: Room, journal: Journal) -> None:
    """It goes by itself, with the message and the answer: nobody has to look for garbage."""
    entry = await accepted(journal, said())
    gc.disable()
    try:
        async with room.progress.shown(entry, a_bot()) as showing:
            await checkpoint()
        left = weakref.ref(showing)
        del showing
        assert left() is None
    finally:
        gc.enable()
