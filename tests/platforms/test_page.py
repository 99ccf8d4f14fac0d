import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Malformed
from bot.platforms.campfire.page import parse_page
from bot.records import Person, RoomMessage
from tests.platforms.deliveries import GONE

#: A message of the history, as the facts of Campfire's wire have it.
MESSAGE: dict[str, Any] = {
    "id": 512,
    "created_at": "2026-08-21T12:00:00.123Z",
    "body": {
        "plain_text": "hi Ada",
        "html": '<div class="trix-content">\n  <div>hi</div>\n</div>\n',
    },
    "creator": {
        "id": 42,
        "name": "Kim",
        "role": "member",
        "avatar_url": "https://chat.test/users/42/avatar",
    },
    "room": {"id": 7},
    "url": "https://chat.test/rooms/7/messages/512",
}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def page(**changes: Any) -> bytes:
    """Return a page of one message, with values put in at paths (``creator__role``)."""
    message = copy.deepcopy(MESSAGE)
    for path, value in changes.items():
        *sections, last = path.split("__")
        target = message
        for section in sections:
            target = target[section]
        if value is GONE:
            del target[last]
        else:
            target[last] = value
    return json.dumps([message]).encode()


def only(body: bytes) -> RoomMessage:
    """Return the one message on a page of room 7."""
    (message,) = parse_page(body, room="7")
    return message


def test_message() -> None:
    """Every field is read; the frame of Campfire's view is taken off."""
    assert only(page()) == RoomMessage(
        id="512",
        position=512,
        author=Person(id="42", name="Kim"),
        by_bot=False,
        html="<div>hi</div>",
        plain="hi Ada",
        created_at=datetime(2026, 8, 21, 12, 0, 0, 123000, tzinfo=UTC),
    )


def test_order_is_kept() -> None:
    """A page is read in Campfire's order, which is by time."""
    body = json.dumps([MESSAGE, MESSAGE | {"id": 511}]).encode()
    assert [message.id for message in parse_page(body, room="7")] == ["512", "511"]
    assert parse_page(b"[]", room="7") == ()


@pytest.mark.parametrize(("role", "by_bot"), [("bot", True), ("administrator", False), ("", False)])
def test_role(role: str, by_bot: bool) -> None:  # noqa: FBT001 - parametrized
    """The role tells bots from people."""
    assert only(page(creator__role=role)).by_bot is by_bot


@pytest.mark.parametrize(
    ("html", "plain", "stored"),
    [
        ("", "moon.jpg", None),
        (None, "moon.jpg", None),
        ('<div class="trix-content">\n  \n</div>\n', "moon.jpg", None),
        ('<div class="trix-content"></div>', "moon.jpg", None),
        ("", "", ""),
        ("<p>x</p>", "x", "<p>x</p>"),
        ('<div class="trix-content">', "x", '<div class="trix-content">'),
    ],
)
def test_upload(html: str | None, plain: str, stored: str | None) -> None:
    """What has a name and no HTML is an upload; a message with neither is blank."""
    assert only(page(body__html=html, body__plain_text=plain)).html == stored


@pytest.mark.parametrize(
    ("written", "hour"), [("2026-08-21T12:00:00Z", 12), ("2026-08-21T12:00:00.5+02:00", 10)]
)
def test_moment(written: str, hour: int) -> None:
    """Times are UTC, whatever their offset."""
    moment = only(page(created_at=written)).created_at
    assert (moment.hour, moment.utcoffset()) == (hour, timedelta(0))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"<!DOCTYPE html>", "the body is not JSON: Expecting value at character 0"),
        (b"{}", "the body is an object; it must be a list"),
        (b"[[]]", "the list holds a list; it must hold objects"),
        (b"[" * 200_000, "the body is nested too deep; Campfire's has four levels"),
        (page(id=GONE), "message.id is missing; it must be a whole number above 0"),
        (page(id=True), "message.id is a boolean; it must be a whole number above 0"),
        (page(creator=None), "creator is null; it must be an object"),
        (page(creator__id=0), "creator.id is out of range; it must be above 0 and below 2^63"),
        (page(creator__role=GONE), "creator.role is missing; it must be a string"),
        (page(body__html=GONE), "body.html is missing; it must be a string or null"),
        (page(body__plain_text=None), "body.plain_text is null; it must be a string"),
        (
            page(room__id=8),
            "room.id is another room's; it must be that of the room that is read",
        ),
        *(
            (
                page(created_at=written),
                "created_at is not a moment; it must be ISO 8601 with its offset from UTC",
            )
            for written in ("", "yesterday", "2026-08-21T12:00:00", "0001-01-01T00:00:00+12:00")
        ),
    ],
)
def test_refused(body: bytes, sentence: str) -> None:
    """A page that is not what Campfire writes is refused with the key and the rule."""
    with pytest.raises(Malformed) as refusal:
        parse_page(body, room="7")
    assert str(refusal.value) == sentence


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps([value]).encode()))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    """No body raises anything but `Malformed`."""
    try:
        parse_page(body, room="7")
    except Malformed as refusal:
        assert str(refusal)  # noqa: PT017 - either outcome is fine


@given(
    path=st.sampled_from(
        [
            *("id", "created_at", "body", "body__html", "body__plain_text", "creator"),
            *("creator__id", "creator__name", "creator__role", "room", "room__id"),
        ]
    ),
    value=JSON,
)
def test_any_field_is_read_or_refused(path: str, value: object) -> None:
    """Whatever one field holds, the message is read into storable text or refused."""
    try:
        message = only(page(**{path: value}))
    except Malformed:
        return
    repr(message).encode()
    assert 0 < message.position < 2**63
    assert message.created_at.utcoffset() == timedelta(0)
