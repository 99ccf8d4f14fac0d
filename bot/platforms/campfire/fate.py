"""What an exception of httpx says of the request that met it, as an error of ours."""

import ssl
from enum import Enum

import httpx

from bot.errors import ChatError, ChatRefused, ChatUnavailable, ChatUncertain
from bot.platforms.campfire.status import Deed


class Fate(Enum):
    """What an exception says of the request that met it."""

    NEVER_LEFT = "never left"
    MAY_HAVE_ARRIVED = "may have arrived"
    CANNOT_WORK = "cannot work"


#: Every exception that httpx raises for a request. Its `StreamError`s are not here: they would be
#: bugs of this module, and bugs travel to the top.
FATES: dict[type[Exception], Fate] = {
    httpx.ConnectError: Fate.NEVER_LEFT,
    httpx.ConnectTimeout: Fate.NEVER_LEFT,
    httpx.PoolTimeout: Fate.NEVER_LEFT,
    httpx.ProxyError: Fate.NEVER_LEFT,
    httpx.ReadError: Fate.MAY_HAVE_ARRIVED,
    httpx.ReadTimeout: Fate.MAY_HAVE_ARRIVED,
    httpx.WriteError: Fate.MAY_HAVE_ARRIVED,
    httpx.WriteTimeout: Fate.MAY_HAVE_ARRIVED,
    httpx.CloseError: Fate.MAY_HAVE_ARRIVED,
    httpx.RemoteProtocolError: Fate.MAY_HAVE_ARRIVED,
    httpx.DecodingError: Fate.MAY_HAVE_ARRIVED,
    httpx.UnsupportedProtocol: Fate.CANNOT_WORK,
    httpx.LocalProtocolError: Fate.CANNOT_WORK,
    httpx.TooManyRedirects: Fate.CANNOT_WORK,
    httpx.InvalidURL: Fate.CANNOT_WORK,
}


_LOOK = "is it running, and is HEARTH_CAMPFIRE_URL right?"
_TRUST_IT = (
    "renew it if its time is over, trust the authority that signed it with SSL_CERT_FILE, and have"
    " HEARTH_CAMPFIRE_URL name Campfire as the certificate does"
)


def read_exception(error: Exception, *, room: str, deed: Deed = Deed.POST) -> ChatError:
    """Return what *error*, raised by httpx, means for what was to be done in *room*."""
    name = type(error).__name__
    match _fate(type(error)):
        case Fate.NEVER_LEFT:
            reason, cure = _unreachable(error, name)
            return ChatUnavailable(f"Campfire cannot be reached for room {room} ({reason}): {cure}")
        case Fate.MAY_HAVE_ARRIVED:
            return ChatUncertain(
                f"no answer after {deed} room {room} ({name}): "
                + ("the message may be there" if deed is Deed.POST else "it may have been done")
            )
        case Fate.CANNOT_WORK:
            return ChatRefused(
                f"the request for room {room} cannot be made ({name}): check HEARTH_CAMPFIRE_URL"
            )


def _unreachable(error: BaseException, name: str) -> tuple[str, str]:
    """Say why nothing has left, and what to do; the names in a certificate are no secrets."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {cause.verify_message}", _TRUST_IT
        cause = cause.__cause__ or cause.__context__
    return name, _LOOK


def read_failure(error: Exception, *, room: str) -> ChatError:
    """Return what *error* means for reading *room*: that changes nothing, so it can be repeated."""
    fault = read_exception(error, room=room)
    if isinstance(fault, ChatUncertain):
        return ChatUnavailable(
            f"Campfire did not answer in full when room {room} was read ({type(error).__name__})"
        )
    return fault


def _fate(kind: type[Exception]) -> Fate:
    # A kind that a newer httpx adds: the cautious reading is that the message may be there.
    return next((FATES[base] for base in kind.__mro__ if base in FATES), Fate.MAY_HAVE_ARRIVED)
