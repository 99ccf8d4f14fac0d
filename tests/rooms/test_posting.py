"""Frozen replies come into their rooms, in order, each part known before its bytes leave."""

import asyncio
from pathlib import Path

import pytest

from bot.errors import ChatRefused, ChatUnavailable, ChatUncertain, JournalUnavailable, PostFailed
from bot.journal import Journal
from bot.records import Entry, Outcome, Part, PartKind, PartState, Sign
from bot.rooms.posting import Posting
from bot.testing.gate import Gate
from tests.rooms.people import LANE, Clock, FakeChat, Interrupted, a_journal, accepted, said

_KEY = "9-abcdefghijkl"
_DOWN = ChatUnavailable("connection refused")
_SILENT = ChatUncertain("no answer")
_FAILED = PostFailed("500: sorry", over=True)


async def frozen(journal: Journal, *htmls: str, number: int = 1) -> tuple[Entry, tuple[Part, ...]]:
    """Have a message answered with *htmls*, as a turn does before it posts."""
    entry = await accepted(journal, said(number=number))
    parts = await journal.freeze(
        entry,
        htmls,
        kind=PartKind.ANSWER,
        verdict=Outcome.ANSWERED,
        attempt=None,
        answer_text="an answer",
    )
    current = await journal.entry(entry.seq)
    assert current is not None
    return current, parts


async def parts_of(journal: Journal, entry: Entry) -> tuple[Part, ...]:
    """Read what has become of the parts."""
    current = await journal.entry(entry.seq)
    assert current is not None
    return current.parts


def states(parts: tuple[Part, ...]) -> list[PartState]:
    """Return how far each part is."""
    return [part.state for part in parts]


async def deliver(
    journal: Journal | Interrupted,
    clock: Clock,
    chat: FakeChat,
    entry: Entry,
    parts: tuple[Part, ...],
    *,
    fresh: bool,
) -> Outcome:
    """Post what is not posted yet."""
    posting = Posting(journal, now=clock, sleep=clock.sleep)
    return await posting.deliver(entry, parts, chat, _KEY, fresh=fresh)


async def test_parts_are_posted_in_order(journal: Journal, clock: Clock) -> None:
    """Then the message is settled, and every part is known by its id."""
    chat = FakeChat()
    entry, parts = await frozen(journal, "one", "two", "three")
    assert await deliver(journal, clock, chat, entry, parts, fresh=True) is Outcome.ANSWERED
    assert (chat.room, chat.read) == (["one", "two", "three"], [])
    assert [part.remote_id for part in await parts_of(journal, entry)] == ["101", "102", "103"]
    assert await journal.head(LANE) is None
    tally = await journal.tally()
    assert (tally.answered, tally.open, tally.balanced) == (1, 0, True)


async def test_a_part_is_known_before_it_leaves(journal: Journal, clock: Clock) -> None:
    """When its bytes leave, the disk says `sending`; what follows is still `queued`."""
    seen: list[list[PartState]] = []

    class Looking(FakeChat):
        async def post(self, *, room: str, html: str, key: str) -> str | None:
            seen.append(states(await parts_of(journal, entry)))
            return await super().post(room=room, html=html, key=key)

    entry, parts = await frozen(journal, "one", "two")
    await deliver(journal, clock, Looking(), entry, parts, fresh=True)
    assert seen == [
        [PartState.SENDING, PartState.QUEUED],
        [PartState.POSTED, PartState.SENDING],
    ]


async def test_an_answer_without_parts_is_settled(journal: Journal, clock: Clock) -> None:
    """Nothing to say is said."""
    chat = FakeChat()
    entry, parts = await frozen(journal)
    assert await deliver(journal, clock, chat, entry, parts, fresh=True) is Outcome.ANSWERED
    assert chat.tried == []


async def test_a_platform_that_is_down_is_waited_for(journal: Journal, clock: Clock) -> None:
    """The part is put back and tried again, later each time; nothing is marked."""
    chat = FakeChat(fates=[_DOWN, _DOWN, "7"])
    entry, parts = await frozen(journal, "one")
    assert await deliver(journal, clock, chat, entry, parts, fresh=True) is Outcome.ANSWERED
    assert chat.room == ["one"]
    (part,) = await parts_of(journal, entry)
    assert (part.tries, part.remote_id, part.possible_duplicate) == (2, "7", False)
    assert clock.slept == sorted(clock.slept)
    assert 1 <= clock.slept[0] <= 1.5
    assert 2 <= clock.slept[1] <= 3


async def test_a_wait_outlasts_a_restart(tmp_path: Path, clock: Clock) -> None:
    """What was to be tried at a moment is not tried earlier by the next process."""
    async with a_journal(tmp_path, clock) as journal:
        entry, (part,) = await frozen(journal, "one")
        await journal.retry_part(part, not_before=clock() + 30, error="down")
    async with a_journal(tmp_path, clock) as journal:
        chat = FakeChat()
        parts = await parts_of(journal, entry)
        assert states(parts) == [PartState.QUEUED]
        await deliver(journal, clock, chat, entry, parts, fresh=False)
        assert (clock.slept, chat.room) == ([30.0], ["one"])


async def test_what_may_have_arrived_is_repeated_once(journal: Journal, clock: Clock) -> None:
    """The repeat is marked, since the room may show it twice."""
    chat = FakeChat(fates=[_SILENT, "7"])
    entry, parts = await frozen(journal, "one")
    assert await deliver(journal, clock, chat, entry, parts, fresh=True) is Outcome.ANSWERED
    (part,) = await parts_of(journal, entry)
    assert (chat.tried, part.possible_duplicate) == (["one", "one"], True)


async def test_twice_uncertain_is_too_much(journal: Journal, clock: Clock) -> None:
    """A third copy is never sent: the rest is given up, and an operator can see it."""
    chat = FakeChat(fates=[_SILENT, _SILENT])
    entry, parts = await frozen(journal, "one", "two")
    assert await deliver(journal, clock, chat, entry, parts, fresh=True) is Outcome.DEAD
    assert chat.tried == ["one", "one"]
    assert states(await parts_of(journal, entry)) == [PartState.DEAD, PartState.DEAD]
    (letter,) = await journal.letters.listed()
    assert letter.reason == "no answer"


async def test_what_failed_is_repeated_later(journal: Journal, clock: Clock) -> None:
    """Nobody can look whether it was posted all the same: it is marked, and not given up soon."""
    chat = FakeChat(fates=[_FAILED, _FAILED, _FAILED, "7"])
    entry, parts = await frozen(journal, "one")
    assert await deliver(journal, clock, chat, entry, parts, fresh=True) is Outcome.ANSWERED
    (part,) = await parts_of(journal, entry)
    assert (chat.room, part.remote_id, part.possible_duplicate) == (["one"], "7", True)
    assert len(clock.slept) == 3
    assert clock.slept == sorted(clock.slept)


async def test_what_fails_for_minutes_is_given_up(journal: Journal, clock: Clock) -> None:
    """It may stand in the room once for each try: there is an end to that."""
    chat = FakeChat(fates=[_FAILED] * 20)
    entry, parts = await frozen(journal, "one")
    assert await deliver(journal, clock, chat, entry, parts, fresh=True) is Outcome.DEAD
    assert len(chat.tried) == 9
    assert sum(clock.slept) > 120
    (letter,) = await journal.letters.listed()
    assert letter.reason == "500: sorry"


async def test_a_crash_while_a_failed_post_waits(tmp_path: Path, clock: Clock) -> None:
    """What waits has not left again: the next process tries it at its time, still marked."""

    async def end(_seconds: float) -> None:
        raise asyncio.CancelledError

    async with a_journal(tmp_path, clock) as journal:
        entry, parts = await frozen(journal, "one")
        chat = FakeChat(fates=[_FAILED])
        posting = Posting(journal, now=clock, sleep=end)
        with pytest.raises(asyncio.CancelledError):
            await posting.deliver(entry, parts, chat, _KEY, fresh=True)
    async with a_journal(tmp_path, clock) as journal:
        parts = await parts_of(journal, entry)
        assert (states(parts), parts[0].possible_duplicate) == ([PartState.QUEUED], True)
        chat = FakeChat()
        assert await deliver(journal, clock, chat, entry, parts, fresh=False) is Outcome.ANSWERED
        assert chat.tried == ["one"]


async def test_what_a_crash_left_sending_is_repeated_once(tmp_path: Path, clock: Clock) -> None:
    """A part frozen by an earlier process may stand in the room already."""
    async with a_journal(tmp_path, clock) as journal:
        entry, _ = await frozen(journal, "one", "two")
    async with a_journal(tmp_path, clock) as journal:
        chat = FakeChat()
        parts = await parts_of(journal, entry)
        assert states(parts) == [PartState.SENDING, PartState.QUEUED]
        assert await deliver(journal, clock, chat, entry, parts, fresh=False) is Outcome.ANSWERED
        assert chat.room == ["one", "two"]
        marks = [part.possible_duplicate for part in await parts_of(journal, entry)]
        assert marks == [True, False]


async def test_a_second_crash_gives_the_part_up(journal: Journal, clock: Clock) -> None:
    """It was repeated once already, and the process ended again before it was recorded."""
    entry, (part,) = await frozen(journal, "one")
    repeated = await journal.mark_repeat(part)
    chat = FakeChat()
    assert await deliver(journal, clock, chat, entry, (repeated,), fresh=False) is Outcome.DEAD
    assert chat.tried == []


async def test_what_was_posted_is_not_posted_again(journal: Journal, clock: Clock) -> None:
    """After a crash between two parts, the second one follows."""
    entry, (first, _) = await frozen(journal, "one", "two")
    await journal.mark_posted(first, remote_id="7")
    chat = FakeChat()
    parts = await parts_of(journal, entry)
    assert await deliver(journal, clock, chat, entry, parts, fresh=False) is Outcome.ANSWERED
    assert chat.room == ["two"]


async def test_a_crash_before_the_settling_posts_nothing(journal: Journal, clock: Clock) -> None:
    """All parts stand in the room: the message only has to be settled."""
    entry, (part,) = await frozen(journal, "one")
    await journal.mark_posted(part, remote_id="7")
    chat = FakeChat()
    parts = await parts_of(journal, entry)
    assert await deliver(journal, clock, chat, entry, parts, fresh=False) is Outcome.ANSWERED
    assert chat.tried == []
    assert (await journal.tally()).answered == 1


async def test_a_refusal_is_a_dead_letter(journal: Journal, clock: Clock) -> None:
    """What the platform will never take is not tried again, nor is what follows it."""
    chat = FakeChat(fates=["7", ChatRefused("404: no such room")])
    entry, parts = await frozen(journal, "one", "two", "three")
    assert await deliver(journal, clock, chat, entry, parts, fresh=True) is Outcome.DEAD
    assert chat.tried == ["one", "two"]
    assert states(await parts_of(journal, entry)) == [
        PartState.POSTED,
        PartState.DEAD,
        PartState.DEAD,
    ]
    (letter,) = await journal.letters.listed()
    assert letter.reason == "404: no such room"


async def test_a_part_that_was_dead_before_a_crash_stays_dead(
    journal: Journal, clock: Clock
) -> None:
    """The process ended after the part was given up and before its message was settled."""
    entry, (first, _) = await frozen(journal, "one", "two")
    await journal.kill_part(first, error="404: no such room")
    chat = FakeChat()
    parts = await parts_of(journal, entry)
    assert await deliver(journal, clock, chat, entry, parts, fresh=False) is Outcome.DEAD
    assert chat.tried == []
    (letter,) = await journal.letters.listed()
    assert letter.reason == "404: no such room"


async def test_what_is_given_up_during_a_wait_does_not_leave(
    journal: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator settles the message while the platform is down: nothing is posted after that."""

    async def settle_meanwhile(_seconds: float) -> None:
        await journal.settle(entry, outcome=Outcome.STOPPED)

    monkeypatch.setattr(clock, "sleep", settle_meanwhile)
    chat = FakeChat(fates=[_DOWN])
    entry, parts = await frozen(journal, "one")
    await deliver(journal, clock, chat, entry, parts, fresh=True)
    assert (chat.tried, chat.room) == (["one"], [])
    tally = await journal.tally()
    assert (tally.stopped, tally.dead, tally.balanced) == (1, 0, True)


@pytest.mark.parametrize("broken", ["settle", "mark_posted"])
async def test_a_full_disk_after_a_post_repeats_nothing(
    journal: Journal, clock: Clock, broken: str
) -> None:
    """What stands in the room is recorded once the disk takes it, however long that is."""
    chat, full = FakeChat(), Interrupted(journal)
    full.failing[broken] = 5
    entry, parts = await frozen(journal, "one", "two")
    assert await deliver(full, clock, chat, entry, parts, fresh=True) is Outcome.ANSWERED
    assert chat.tried == ["one", "two"]
    assert clock.slept.count(1.0) == 5
    assert states(await parts_of(journal, entry)) == [PartState.POSTED] * 2


async def test_a_full_disk_before_a_post_sends_nothing(journal: Journal, clock: Clock) -> None:
    """The second part waits on disk until it can be known to be leaving."""
    chat, full = FakeChat(), Interrupted(journal)
    full.failing["mark_sending"] = 1
    entry, parts = await frozen(journal, "one", "two")
    with pytest.raises(JournalUnavailable):
        await deliver(full, clock, chat, entry, parts, fresh=True)
    assert chat.tried == ["one"]
    parts = await parts_of(journal, entry)
    assert states(parts) == [PartState.POSTED, PartState.QUEUED]
    assert await deliver(full, clock, chat, entry, parts, fresh=False) is Outcome.ANSWERED
    assert chat.room == ["one", "two"]


async def test_parts_of_a_message_that_was_stopped(journal: Journal, clock: Clock) -> None:
    """They are given up already, and it is no dead letter."""
    entry, _ = await frozen(journal, "one")
    await journal.settle(entry, outcome=Outcome.STOPPED)
    chat, given_up = FakeChat(), await parts_of(journal, entry)
    assert states(given_up) == [PartState.DEAD]
    ended = await deliver(journal, clock, chat, entry, given_up, fresh=True)
    assert (ended, chat.tried) == (Outcome.STOPPED, [])


async def test_a_stop_ends_what_only_waits(journal: Journal, clock: Clock) -> None:
    """A turn whose next try is a minute away is cut off at once; its part waits in the journal."""
    gate = Gate()

    async def wait(_seconds: float) -> None:
        await gate()

    posting = Posting(journal, now=clock, sleep=wait)
    entry, parts = await frozen(journal, "one")
    chat = FakeChat(fates=[_DOWN])
    async with asyncio.TaskGroup() as group:
        turn = group.create_task(posting.deliver(entry, parts, chat, _KEY, fresh=True), name="turn")
        await gate.reached()
        posting.wait_no_more()
    assert turn.cancelled()
    assert states(await parts_of(journal, entry)) == [PartState.QUEUED]
    assert (await journal.tally()).open == 1


async def test_nothing_waits_once_the_server_stops(journal: Journal, clock: Clock) -> None:
    """A post that fails during the drain is not tried again before the next start."""
    posting = Posting(journal, now=clock, sleep=asyncio.sleep)
    posting.wait_no_more()
    entry, parts = await frozen(journal, "one", "two")
    chat = FakeChat(fates=["7", _DOWN])
    async with asyncio.TaskGroup() as group:
        turn = group.create_task(posting.deliver(entry, parts, chat, _KEY, fresh=True), name="turn")
    assert turn.cancelled()
    assert states(await parts_of(journal, entry)) == [PartState.POSTED, PartState.QUEUED]


async def turned_into(journal: Journal, *htmls: str) -> tuple[Entry, tuple[Part, ...]]:
    """Have a message answered whose placeholder, message 77, becomes the first part."""
    entry = await accepted(journal, said())
    sign = await journal.signs.claim(entry, Sign.PLACEHOLDER, "so far")
    assert sign is not None
    await journal.mark_posted(sign, remote_id="77")
    parts = await journal.freeze(
        entry,
        htmls,
        kind=PartKind.ANSWER,
        verdict=Outcome.ANSWERED,
        attempt=None,
        answer_text="an answer",
        into="77",
    )
    current = await journal.entry(entry.seq)
    assert current is not None
    return current, parts


async def test_a_placeholder_becomes_the_first_part(journal: Journal, clock: Clock) -> None:
    """By an edit; what follows is posted."""
    chat = FakeChat()
    entry, parts = await turned_into(journal, "one", "two")
    assert await deliver(journal, clock, chat, entry, parts, fresh=True) is Outcome.ANSWERED
    assert (chat.changes, chat.room) == (["edit 77 one"], ["two"])
    assert [part.remote_id for part in await parts_of(journal, entry)] == ["77", "101"]


async def test_after_a_crash_the_edit_is_made_again(journal: Journal, clock: Clock) -> None:
    """Whether it was made before is no question, and no doubt."""
    chat = FakeChat(history=[])
    entry, parts = await turned_into(journal, "one")
    assert await deliver(journal, clock, chat, entry, parts, fresh=False) is Outcome.ANSWERED
    assert (chat.changes, chat.tried, chat.read) == (["edit 77 one"], [], [])
    assert not (await parts_of(journal, entry))[0].possible_duplicate


@pytest.mark.parametrize("error", [_DOWN, _SILENT, _FAILED, ChatRefused("404")])
async def test_an_edit_that_fails_is_a_post(
    journal: Journal, clock: Clock, error: Exception
) -> None:
    """At once, and unmarked; the placeholder is to be removed."""
    chat = FakeChat(change_fates=[error])
    entry, parts = await turned_into(journal, "one")
    assert await deliver(journal, clock, chat, entry, parts, fresh=True) is Outcome.ANSWERED
    assert (chat.changes, chat.room, clock.slept) == ([], ["one"], [])
    (part,) = await parts_of(journal, entry)
    assert (part.remote_id, part.possible_duplicate) == ("101", False)
    (left,) = await journal.signs.left()
    assert left.part.remote_id == "77"
