"""When to post again is a pure decision."""

import pytest
from bot.platforms.failed import PostFailed

from bot.errors import ChatRefused, ChatUnavailable, ChatUncertain
from bot.rooms.retry import repeat_after, retry_after

_DOWN = ChatUnavailable("connection refused")


def test_delays_double_up_to_a_minute() -> None:
    """A short outage costs seconds, a long one does not hammer the platform."""
    delays = [retry_after(_DOWN, tries, jitter=0) for tries in range(1, 9)]
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60]


def test_jitter_spreads_the_rooms() -> None:
    """Up to half as much again, so that they do not all come back at once."""
    assert [retry_after(_DOWN, 3, jitter=jitter) for jitter in (0, 0.5, 1)] == [4, 5, 6]


def test_the_platform_may_ask_for_more() -> None:
    """Its `Retry-After` is respected when it is longer than our own delay."""
    asked = ChatUnavailable("429", retry_after_s=30)
    assert retry_after(asked, 1, jitter=0) == 30
    assert retry_after(asked, 7, jitter=0) == 60


@pytest.mark.parametrize("tries", [1, 10])
def test_a_refusal_is_final(tries: int) -> None:
    """Repeating it would not change the answer."""
    assert retry_after(ChatRefused("404"), tries, jitter=0) is None


def test_an_outage_of_an_hour_is_outlasted() -> None:
    """Only then is a part given up."""
    delays = [retry_after(_DOWN, tries, jitter=0) or 0.0 for tries in range(1, 64)]
    assert sum(delays) > 3000
    assert retry_after(_DOWN, 64, jitter=0) is None


def test_uncertainty_is_no_reason_to_give_up() -> None:
    """Whether a part may be repeated is decided elsewhere; the delay is the same."""
    assert retry_after(ChatUncertain("no answer"), 1, jitter=0) == 1


def test_silence_is_repeated_once() -> None:
    """At once; a third copy would be too much."""
    assert repeat_after(ChatUncertain("no answer"), 1, marked=False, jitter=0) == 0
    assert repeat_after(ChatUncertain("no answer"), 1, marked=True, jitter=0) is None


def test_a_failure_is_repeated_for_two_minutes() -> None:
    """Later each time, marked or not: it has hardly ever posted."""
    failed = PostFailed("500", over=True)
    delays = [repeat_after(failed, n, marked=n > 1, jitter=0) for n in range(1, 10)]
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60, None]
