"""When to post again: decided here, waited for elsewhere."""

from bot.errors import ChatError, ChatRefused, ChatUnavailable

_FIRST_S = 1.0
_LONGEST_S = 60.0
#: About an hour with the delays above: longer than most outages, and the room waits in order.
_MOST_TRIES = 64


def retry_after(error: ChatError, tries: int, *, jitter: float) -> float | None:
    """Return the seconds to wait before the next try; None to give up.

    *tries* counts those that failed, this one included. *jitter* is between 0 and 1: it spreads
    the rooms of an outage, which would all come back at the same moment.
    """
    if isinstance(error, ChatRefused) or tries >= _MOST_TRIES:
        return None
    backoff = min(_LONGEST_S, _FIRST_S * 2.0 ** min(tries - 1, 10))
    delay = backoff * (1 + jitter / 2)
    if isinstance(error, ChatUnavailable) and error.retry_after_s is not None:
        return max(delay, error.retry_after_s)
    return delay
