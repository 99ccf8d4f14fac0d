"""What may have left is looked for in its room, before anything is repeated."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.errors import ChatRefused, ChatUnavailable, ChatUncertain, PostFailed
from bot.journal import Journal
from bot.records import Entry, Outcome, Part, PartKind, PartState, RoomMessage, Sign
from bot.rooms.lookup import POST_TIMEOUT_S, Fate, judge
from bot.rooms.posting import Posting
from tests.rooms.people import KIM, Clock, FakeChat, a_journal, accepted, in_room, said

_KEY = "9-abcdefghijkl"
_DOWN = ChatUnavailable("connection refused")
_SILENT = ChatUncertain("no answer")
_FAILED = PostFailed("500: sorry", over=True)
_TIMED_OUT = PostFailed("504: the proxy gave up", over=False)


async def left_over(journal: Journal, *htmls: str) -> tuple[Entry, tuple[Part, ...]]:
    """Have an answer frozen by a process that ended then: its first part may have left."""
    entry = await accepted(journal, said(number=100))
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


async def deliver(
    journal: Journal, clock: Clock, chat: FakeChat, entry: Entry, *, fresh: bool = False
) -> tuple[Outcome, tuple[Part, ...]]:
    """Post what is not posted; return how it ended, and the parts."""
    posting = Posting(journal, now=clock, sleep=clock.sleep)
    outcome = await posting.deliver(entry, entry.parts, chat, _KEY, fresh=fresh)
    current = await journal.entry(entry.seq)
    assert current is not None
    return outcome, current.parts


async def test_what_arrived_is_found(journal: Journal, clock: Clock) -> None:
    """At once, and recorded with its id: nothing is posted again, nothing waited for."""
    entry, _ = await left_over(journal, "one")
    chat = FakeChat(history=[in_room("hm", 101, author=KIM), in_room("one", 102)])
    outcome, (part,) = await deliver(journal, clock, chat, entry)
    assert (outcome, chat.tried, clock.slept) == (Outcome.ANSWERED, [], [])
    assert (part.remote_id, part.possible_duplicate) == ("102", False)
    assert chat.read == ["100"]


async def test_what_did_not_arrive_is_sent(journal: Journal, clock: Clock) -> None:
    """Once the platform can no longer be at it; it is no duplicate then, and not called one."""
    entry, _ = await left_over(journal, "one")
    clock.seconds += 5
    chat = FakeChat(history=[in_room("one", 99), in_room("hm", 101, author=KIM)])
    outcome, (part,) = await deliver(journal, clock, chat, entry)
    assert (outcome, chat.room, len(chat.read)) == (Outcome.ANSWERED, ["one"], 2)
    assert clock.slept[0] == POST_TIMEOUT_S - 5
    assert not part.possible_duplicate


async def test_what_arrives_late_is_found(journal: Journal, clock: Clock) -> None:
    """The platform was still at it when the room was read first."""
    entry, _ = await left_over(journal, "one")
    chat = FakeChat(looks=[[]], history=[in_room("one", 101)])
    outcome, (part,) = await deliver(journal, clock, chat, entry)
    assert (outcome, chat.tried, part.remote_id) == (Outcome.ANSWERED, [], "101")
    assert clock.slept == [POST_TIMEOUT_S]


async def test_an_old_doubt_waits_for_nothing(journal: Journal, clock: Clock) -> None:
    """After an hour without a server, one look is enough."""
    entry, _ = await left_over(journal, "one")
    clock.seconds += 3600
    chat = FakeChat(history=[])
    await deliver(journal, clock, chat, entry)
    assert (chat.room, len(chat.read)) == (["one"], 1)
    assert POST_TIMEOUT_S not in clock.slept


async def test_a_room_nobody_can_read(journal: Journal, clock: Clock) -> None:
    """Where there is no history, the part is repeated once, and marked."""
    entry, _ = await left_over(journal, "one")
    chat = FakeChat()
    outcome, (part,) = await deliver(journal, clock, chat, entry)
    assert (outcome, chat.room, part.possible_duplicate) == (Outcome.ANSWERED, ["one"], True)


async def test_a_lost_answer_of_the_platform_is_made_good(journal: Journal, clock: Clock) -> None:
    """In a process that runs, too: the post is found, and its id known."""
    entry, _ = await left_over(journal, "one", "two")
    chat = FakeChat(fates=[_SILENT], history=[in_room("one", 101)])
    outcome, parts = await deliver(journal, clock, chat, entry, fresh=True)
    assert (outcome, chat.tried) == (Outcome.ANSWERED, ["one", "two"])
    assert [part.remote_id for part in parts] == ["101", "102"]


async def test_each_part_is_looked_for_after_the_one_before(tmp_path: Path, clock: Clock) -> None:
    """What stands in the room already is neither read again nor mistaken for the next part."""
    async with a_journal(tmp_path, clock) as journal:
        entry, (first, second) = await left_over(journal, "same", "same")
        await journal.mark_posted(first, remote_id="101")
        await journal.mark_sending(second)
    async with a_journal(tmp_path, clock) as journal:
        current = await journal.entry(entry.seq)
        assert current is not None
        chat = FakeChat(history=[in_room("same", 101), in_room("same", 103)])
        _, parts = await deliver(journal, clock, chat, current)
        assert (chat.read, chat.tried) == (["101"], [])
        assert [part.remote_id for part in parts] == ["101", "103"]


async def test_after_a_part_without_a_name_nobody_can_tell(journal: Journal, clock: Clock) -> None:
    """The platform did not say which message it was: it could be taken for the next part."""
    entry, (first, second) = await left_over(journal, "same", "same")
    await journal.mark_posted(first, remote_id=None)
    await journal.mark_sending(second)
    current = await journal.entry(entry.seq)
    assert current is not None
    chat = FakeChat(history=[in_room("same", 101)])
    _, parts = await deliver(journal, clock, chat, current)
    assert (chat.read, chat.room, parts[1].possible_duplicate) == ([], ["same"], True)


async def test_a_platform_that_is_down_is_waited_for(journal: Journal, clock: Clock) -> None:
    """As for a post, later each time; the part is not given up, nor repeated blindly."""
    entry, _ = await left_over(journal, "one")
    chat = FakeChat(looks=[_DOWN, _DOWN, _DOWN], history=[in_room("one", 101)])
    outcome, (part,) = await deliver(journal, clock, chat, entry)
    assert (outcome, chat.tried, part.remote_id) == (Outcome.ANSWERED, [], "101")
    assert clock.slept == sorted(clock.slept)
    assert len(clock.slept) == 3


async def test_a_room_that_shuts_us_out_is_a_dead_letter(journal: Journal, clock: Clock) -> None:
    """A refusal to be read is as final as one to take a post."""
    entry, _ = await left_over(journal, "one")
    chat = FakeChat(looks=[ChatRefused("403: not let in")])
    outcome, _ = await deliver(journal, clock, chat, entry)
    assert (outcome, chat.tried) == (Outcome.DEAD, [])
    (letter,) = await journal.letters.listed()
    assert letter.reason == "the room cannot be read: 403: not let in"


@pytest.mark.parametrize(
    ("failed", "waits"),
    [(_FAILED, 0), (_TIMED_OUT, 3), (_SILENT, 3)],
    ids=["500", "504", "silence"],
)
async def test_each_doubt_is_looked_up(
    journal: Journal, clock: Clock, failed: ChatUncertain, waits: int
) -> None:
    """However many there are in a row: while the room can tell, nothing is sent twice or given up.

    What Campfire itself answered cannot come any more; what it did not answer can.
    """
    entry, _ = await left_over(journal, "one")
    chat = FakeChat(fates=[failed, failed, failed], history=[])
    outcome, (part,) = await deliver(journal, clock, chat, entry, fresh=True)
    assert (outcome, chat.room, part.possible_duplicate) == (Outcome.ANSWERED, ["one"], False)
    assert len(chat.read) == 3 + waits
    assert clock.slept.count(POST_TIMEOUT_S) == waits


@pytest.mark.parametrize("failed", [_FAILED, _TIMED_OUT, _SILENT], ids=["500", "504", "silence"])
async def test_what_was_posted_all_the_same_is_found(
    journal: Journal, clock: Clock, failed: ChatUncertain
) -> None:
    """A failure that came after the message was stored."""
    entry, _ = await left_over(journal, "one")
    chat = FakeChat(fates=[failed], history=[in_room("one", 101)])
    outcome, (part,) = await deliver(journal, clock, chat, entry, fresh=True)
    assert (outcome, chat.tried, part.remote_id) == (Outcome.ANSWERED, ["one"], "101")


async def test_a_post_that_never_arrives_is_given_up_in_the_end(
    journal: Journal, clock: Clock
) -> None:
    """A connection that breaks each time costs an hour, and no copy in the room."""
    entry, _ = await left_over(journal, "one")
    chat = FakeChat(fates=[_SILENT] * 100, history=[])
    outcome, _ = await deliver(journal, clock, chat, entry, fresh=True)
    assert (outcome, chat.room, len(chat.tried)) == (Outcome.DEAD, [], 64)


def part(html: str, file: str | None = None) -> Part:
    """Return a part that may have left."""
    return Part(
        seq=1,
        entry=1,
        number=0,
        kind=PartKind.ANSWER,
        html=html,
        file=file,
        state=PartState.SENDING,
        remote_id=None,
        tries=0,
        not_before=0.0,
        sent_at=None,
        possible_duplicate=False,
        error=None,
    )


@pytest.mark.parametrize(
    ("shown", "fate"),
    [
        ('<div class="trix-content">\n  <p>a &amp; b</p>\n</div>', Fate.ARRIVED),
        ("<p>a&nbsp;&#38;&nbsp;b</p>", Fate.ARRIVED),
        ("<p>deployed</p>", Fate.UNKNOWN),
    ],
)
def test_a_part_is_known_by_what_it_says(shown: str, fate: Fate) -> None:
    """The frame and the spaces are the platform's; another text may be somebody else's."""
    assert judge([in_room(shown, 5)], part("<p>a &amp; b</p>"), known=frozenset()).fate is fate


def test_what_is_accounted_for_is_not_taken_twice() -> None:
    """Of two equal texts, the one that no other part is known as."""
    ours: list[RoomMessage] = [in_room("same", 5), in_room("same", 6)]
    assert judge(ours, part("same"), known={"5"}).remote_id == "6"
    assert judge(ours, part("same"), known={"5", "6"}).fate is Fate.LOST


async def test_a_sign_is_not_taken_for_a_lost_part(journal: Journal, clock: Clock) -> None:
    """A placeholder without a known id is nobody else's word: the part is not there."""
    entry, _ = await left_over(journal, "one")
    assert await journal.signs.claim(entry, Sign.PLACEHOLDER, "<p>⏳</p>")
    clock.seconds += POST_TIMEOUT_S
    chat = FakeChat(history=[in_room("<p>⏳</p>", 101)])
    outcome, (part,) = await deliver(journal, clock, chat, entry)
    assert (outcome, chat.room) == (Outcome.ANSWERED, ["one"])
    assert not part.possible_duplicate


async def test_a_known_sign_is_accounted_for(journal: Journal, clock: Clock) -> None:
    """Whatever it says by now."""
    entry, _ = await left_over(journal, "one")
    sign = await journal.signs.claim(entry, Sign.PLACEHOLDER, "<p>⏳</p>")
    assert sign is not None
    await journal.mark_posted(sign, remote_id="101")
    clock.seconds += POST_TIMEOUT_S
    chat = FakeChat(history=[in_room("<p>so far ⏳</p>", 101)])
    outcome, (part,) = await deliver(journal, clock, chat, entry)
    assert (outcome, chat.room) == (Outcome.ANSWERED, ["one"])
    assert not part.possible_duplicate


def test_a_file_is_known_by_its_name() -> None:
    """The history shows no more of it; a text that says the same is none."""
    shown = replace(in_room("", 6), html=None, plain="tea.csv")
    text = replace(in_room("tea.csv", 5), plain="tea.csv")
    sought = part("", file="tea.csv")
    assert judge([text, shown], sought, known=frozenset()).remote_id == "6"
    assert judge([text], sought, known=frozenset()).fate is Fate.UNKNOWN


def test_a_mention_shows_what_the_platform_likes() -> None:
    """It is left out of the comparison, with what stands in it."""
    bare = '<p><action-text-attachment sgid="x"></action-text-attachment> hi</p>'
    named = bare.replace("></action", "><span>Kim</span></action")
    assert judge([in_room(named, 5)], part(bare), known=frozenset()).fate is Fate.ARRIVED
    assert judge([in_room("<p>Kim</p>", 5)], part(bare), known=frozenset()).fate is Fate.UNKNOWN
