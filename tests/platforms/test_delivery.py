import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Malformed
from bot.platforms.campfire.delivery import Delivery, parse_delivery
from bot.records import Message, MessageKind, Person
from tests.platforms.deliveries import GONE, recorded, varied

NOW = datetime(2026, 8, 21, 12, tzinfo=UTC)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def parse(body: bytes) -> Delivery:
    """Read *body* as if it were for Ada, now."""
    return parse_delivery(body, bot="ada", received_at=NOW)


def message_of(body: bytes) -> Message:
    """Return the message in *body*."""
    message = parse(body).message
    assert message is not None
    return message


def test_mention_byte_for_byte() -> None:
    """The recorded mention is read into every field of the record."""
    delivery = parse(recorded("mention"))
    message = delivery.message
    assert message is not None
    html = message.html
    assert html is not None
    assert html.startswith("<div><action-text-attachment sgid=")
    assert html.endswith("what is 2 &lt; 3 &amp; why? 👋</div>")
    assert message == Message(
        platform="campfire",
        bot="ada",
        room="1",
        room_name="All Talk",
        direct=False,
        id="100",
        position=100,
        author=Person(id="42", name="Zoë O'Neil"),
        kind=MessageKind.TEXT,
        text="what is 2 < 3 & why? 👋",
        html=html,
        received_at=NOW,
    )
    assert delivery.event == "message"
    assert delivery.room == "1"
    assert delivery.room_path == "/rooms/1/3-AbCdEf123456/messages"


def test_direct_message_has_no_room_name() -> None:
    """A room without a name is a direct one."""
    message = message_of(recorded("direct-message"))
    assert (message.direct, message.room_name, message.text) == (True, None, "hello")


def test_upload_is_its_file_name() -> None:
    """A message without HTML is an upload, and its text the file's name."""
    message = message_of(recorded("attachment"))
    assert (message.kind, message.text, message.html) == (MessageKind.UPLOAD, "moon.jpg", None)


def test_rich_text_keeps_lines() -> None:
    """The plain text keeps its line breaks."""
    assert message_of(recorded("html")).text == "run\nnow\nx = 1\ny = 2"


@pytest.mark.parametrize("plain", ["", "  \n", "\u00a0\u2003", "\u200b", " \ufeff "])
def test_bare_mention(plain: str) -> None:
    """A text with nothing to see is a bare mention."""
    message = message_of(varied(message__body__plain=plain))
    assert (message.kind, message.text) == (MessageKind.BARE, "")


def test_text_is_trimmed() -> None:
    """White space around the text is nobody's question."""
    assert message_of(varied(message__body__plain="\u00a0 hi  there\n")).text == "hi  there"


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "message"},
        {"type": None},
        {"event": "message_created"},
        {"room__path": GONE},
        {"room__path": None},
        {"message__path": GONE},
        {"extra": {"deep": [1, 2]}},
        {"room__type": "Rooms::Open", "user__path": "/users/42"},
    ],
)
def test_tolerated(changes: dict[str, Any]) -> None:
    """Versions and forks add and leave out fields; the message is still read."""
    assert message_of(varied(**changes)).id == "100"


@pytest.mark.parametrize(
    ("changes", "event"),
    [
        ({"type": "action"}, "action"),
        ({"event": "message_updated"}, "message_updated"),
        ({"event": "boost_created"}, "boost_created"),
        ({"type": "action", "event": "message_created"}, "action"),
    ],
)
def test_other_events_carry_no_message(changes: dict[str, Any], event: str) -> None:
    """What is not a new message is named, with what is needed to verify it."""
    delivery = parse(varied(**changes, message=GONE, user=GONE))
    assert (delivery.event, delivery.message, delivery.room) == (event, None, "1")
    assert delivery.room_path == "/rooms/1/3-AbCdEf123456/messages"


def test_other_event_without_room() -> None:
    """An event that concerns no room is read too."""
    delivery = parse(b'{"event":"user_created","user":{}}')
    assert (delivery.event, delivery.room, delivery.room_path) == ("user_created", None, None)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"user": GONE}, "user is missing; it must be an object"),
        ({"user": []}, "user is a list; it must be an object"),
        ({"room": "1"}, "room is a string; it must be an object"),
        ({"message": None}, "message is null; it must be an object"),
        ({"message__body": "hi"}, "message.body is a string; it must be an object"),
        ({"user__id": "42"}, "user.id is a string; it must be a whole number above 0"),
        ({"user__id": True}, "user.id is a boolean; it must be a whole number above 0"),
        ({"room__id": 1.0}, "room.id is a fraction; it must be a whole number above 0"),
        ({"room__id": 0}, "room.id is out of range; it must be above 0 and below 2^63"),
        ({"message__id": -1}, "message.id is out of range; it must be above 0 and below 2^63"),
        ({"message__id": 2**63}, "message.id is out of range; it must be above 0 and below 2^63"),
        ({"message__id": GONE}, "message.id is missing; it must be a whole number above 0"),
        ({"user__name": None}, "user.name is null; it must be a string"),
        ({"room__name": 7}, "room.name is a whole number; it must be a string or null"),
        ({"room__path": {}}, "room.path is an object; it must be a string or null"),
        ({"message__body__plain": None}, "message.body.plain is null; it must be a string"),
        (
            {"message__body__html": GONE},
            "message.body.html is missing; it must be a string or null",
        ),
        ({"type": 3}, "type is a whole number; it must be a string or null"),
    ],
)
def test_wrong_types_are_named(changes: dict[str, Any], sentence: str) -> None:
    """A refusal names the key, the type found and the rule."""
    with pytest.raises(Malformed) as refusal:
        parse(varied(**changes))
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8 (byte 0)"),
        (b"[]", "the body is a list"),
        (b"null", "the body is null"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":-Infinity}', "-Infinity"),
        (b'{"user":{"id":' + b"9" * 5000 + b"}}", "thousands of digits"),
        (b"[" * 200_000, "nested too deep"),
        (b'{"a":' * 100_000, "nested too deep"),
    ],
)
def test_not_json(body: bytes, words: str) -> None:
    """What is no JSON object is refused with a sentence, whatever it is."""
    with pytest.raises(Malformed) as refusal:
        parse(body)
    assert words in str(refusal.value)


def test_strings_can_be_stored() -> None:
    """Lone surrogates and NUL become replacement characters; pairs stay what they are."""
    body = recorded("mention").replace(b"All Talk", rb"a\ud800b\ud83d\ude00c\u0000d")
    name = message_of(body).room_name
    assert name == "a\ufffdb\U0001f600c\ufffdd"


def test_key_is_not_in_the_repr() -> None:
    """The path, which holds the bot's key, does not show in logs of the record."""
    assert "AbCdEf123456" not in repr(parse(recorded("mention")))


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    """No body raises anything but `Malformed`."""
    try:
        parse(body)
    except Malformed as refusal:
        assert str(refusal)  # noqa: PT017 -- either outcome is fine


@given(
    path=st.sampled_from(
        [
            "type",
            "event",
            "user",
            "user__id",
            "user__name",
            "room",
            "room__id",
            "room__name",
            "room__path",
            "message",
            "message__id",
            "message__body",
            "message__body__html",
            "message__body__plain",
        ]
    ),
    value=JSON,
)
def test_any_field_is_read_or_refused(path: str, value: object) -> None:
    """Whatever one field holds, the body is read into storable text or refused."""
    try:
        delivery = parse(varied(**{path: value}))
    except Malformed:
        return
    if delivery.message:
        repr(delivery.message).encode()
        assert 0 < delivery.message.position < 2**63
