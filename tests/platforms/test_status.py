from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ChatRefused
from bot.platforms.campfire.status import message_id, parse_retry_after, read_refusal

NOW = datetime(2026, 8, 21, 12, tzinfo=UTC)
URL = "http://chat.test/rooms/7/3-AbCdEf123456/messages"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("1.5", None),
        ("٣", None),
        ("0", 0.0),
        (" 120 ", 120.0),
        ("9" * 400, 86_400.0),
        ("Fri, 21 Aug 2026 12:00:30 GMT", 30.0),
        ("Fri, 21 Aug 2026 12:00:30 -0000", 30.0),
        ("Fri, 21 Aug 2026 11:00:00 GMT", 0.0),
        ("Fri, 21 Aug 2099 11:00:00 GMT", 86_400.0),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    """Seconds and HTTP dates are read, the past is now, and nobody waits for more than a day."""
    assert parse_retry_after(value, now=NOW) == seconds


@given(st.text() | st.from_regex(r"\w{3}, \d{1,3} [A-Z][a-z]{2} \d{1,9} \d+:\d+:\d+ [+-]?\w+"))
def test_retry_after_never_raises(value: str) -> None:
    """A header may hold anything."""
    wait_s = parse_retry_after(value, now=NOW)
    assert wait_s is None or 0 <= wait_s <= 86_400


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("https://chat.test/rooms/7/3-AbCdEf123456/messages", "should start with https://"),
        ("https://chat.test:443/rooms/7/3-AbCdEf123456/messages", "should start with https://"),
        ("https://other.test/rooms/7/3-AbCdEf123456/messages", "wrong base URL"),
        ("https://chat.test/", "wrong base URL"),
        ("/session/new", "key is wrong"),
        ("https://chat.test/session/new", "key is wrong"),
        ("http://[", "wrong base URL"),
        (None, "wrong base URL"),
    ],
)
def test_redirects(location: str | None, words: str) -> None:
    """The target of a redirect tells a wrong key from a missing https, and is not repeated."""
    headers = {"location": location} if location else {}
    error = read_refusal(302, headers, url=URL, room="7", now=NOW)
    assert isinstance(error, ChatRefused)
    assert words in str(error)
    assert "AbCdEf" not in str(error)


def test_message_id() -> None:
    """The id is the number after /messages/, in a whole address or a path."""
    assert message_id("https://chat.test/messages/42") == "42"
    assert message_id("/rooms/1/messages/43?x=1") == "43"
    assert message_id("/messages/٣") is None
