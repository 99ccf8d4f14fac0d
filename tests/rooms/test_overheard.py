"""What of a room's talk comes along."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.records import RoomMessage
from bot.rooms.overheard import CONTEXT_TOKENS, overheard, write_context
from bot.rooms.tokens import tokens_of
from tests.rooms.people import ADA, LEE, NOON, in_room


def remark(text: str, number: int) -> RoomMessage:
    """Let Lee say something to nobody."""
    return in_room(text, number, author=LEE)


def chosen(
    *read: RoomMessage,
    since: int = 0,
    until: int = 100,
    withheld: Sequence[str] = (),
    most: int = 20,
) -> list[str]:
    """Return the texts that come along."""
    found = overheard(
        read,
        since=since,
        until=until,
        not_before=NOON - timedelta(hours=1),
        withheld=withheld,
        most=most,
    )
    return [message.plain for message in found]


def test_only_what_was_said_in_between_comes_along() -> None:
    """After what the session has heard, and before the message that is asked."""
    read = [remark(f"word {number}", number) for number in range(1, 6)]
    assert chosen(*read, since=2, until=5) == ["word 3", "word 4"]


def test_the_newest_come_along_oldest_first() -> None:
    """By position, whatever order the platform gives."""
    read = [remark(f"word {number}", number) for number in (3, 1, 2)]
    assert chosen(*read, most=2) == ["word 2", "word 3"]
    assert chosen(*read, most=0) == []


def test_some_things_stay_where_they_were_said() -> None:
    """What was off the record, by its id or its words; what is empty; what is old."""
    old = replace(remark("old", 4), created_at=NOON - timedelta(hours=2))
    read = [
        remark("secret", 1),
        remark("off the record: secret", 2),
        remark("@Ada off the record: secret", 3),
        old,
        remark(" ", 5),
        remark("tea", 6),
    ]
    assert chosen(*read, withheld=["1"]) == ["tea"]


def test_a_long_talk_is_cut_to_its_newest() -> None:
    """Each remark is bounded, and all of them together."""
    read = [remark(f"{number} {'x' * 10_000}", number) for number in range(1, 31)]
    found = overheard(read, since=0, until=100, not_before=NOON, withheld=(), most=200)
    written = write_context(found)
    assert 0 < len(found) < 15
    assert found[-1].position == 30
    assert tokens_of(written) < CONTEXT_TOKENS + 100
    assert "characters are shown" in written


def test_each_says_who_and_when_and_whether_it_is_a_bot() -> None:
    """One element each, in one that says what it is."""
    written = write_context(
        [remark("the tea is cold", 1), replace(in_room("indeed", 2, author=ADA), html=None)]
    )
    assert written.splitlines()[2:] == [
        '<said from="Lee" user="8" id="1" at="2025-06-01T12:00:00+00:00">the tea is cold</said>',
        (
            '<said from="Ada" user="9" bot="yes" id="2" at="2025-06-01T12:00:00+00:00">'
            '(uploaded the file "indeed"; its content is not available)</said>'
        ),
        "</context>",
    ]


_PIECES = st.sampled_from(["<", "</", "/", "said", "context", "message", ">", '"', "\n", " ", "x"])
_TEXTS = st.one_of(st.text(), st.lists(_PIECES).map("".join))


@given(texts=st.lists(_TEXTS, max_size=5), name=_TEXTS)
def test_nobody_leaves_the_context(texts: list[str], name: str) -> None:
    """Whatever is said under whatever name, it is one element with one for each remark."""
    author = replace(LEE, name=name)
    read = [in_room(text, number, author=author) for number, text in enumerate(texts, 1)]
    written = write_context(read)
    for tag, count in (("context", 1), ("said", len(texts)), ("message", 0)):
        assert len(re.findall(rf"<\s*{tag}\b", written)) == count
        assert len(re.findall(rf"<\s*/\s*{tag}\b", written)) == count
