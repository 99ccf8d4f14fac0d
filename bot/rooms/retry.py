"""When to post again: decided here, waited for elsewhere."""

from bot.errors import ChatError, ChatRefused, ChatUnavailable, ChatUncertain, PostFailed

_FIRST_S = 1.0
_LONGEST_S = 60.0
#: About an hour with the delays above: longer than most outages, and the room waits in order.
_MOST_TRIES = 64
#: Repeats of a post that may have been carried out each time: about two minutes, and at worst as
#: many copies in a room.
_MOST_REPEATS = 8


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


def repeat_after(
    error: ChatUncertain, repeats: int, *, marked: bool, jitter: float
) -> float | None:
    """Return the seconds to wait before what may stand in the room is sent again; None: give up.

    For when nobody can look into the room. *repeats* counts this one and those that this process
    has made; *marked* says that the part was repeated before, by whatever process. A platform that
    says that it failed has hardly ever posted, so it is asked again as after other failures; after
    silence a third copy is too much.
    """
    if not isinstance(error, PostFailed):
        return None if marked else 0.0
    return retry_after(error, repeats, jitter=jitter) if repeats <= _MOST_REPEATS else None
