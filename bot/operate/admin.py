"""The token that operators show: where it comes from, and whether a request has it.

A token of 20 characters or more cannot be guessed at any rate, so there is no lock-out with it:
one would only let strangers shut the operator out. A shorter one, which only an operator can
choose, can be guessed; tries at it are limited for everybody together, since no address behind a
proxy is known. While the limit holds, the right token is refused too, for a minute at most.
"""

import hashlib
import hmac
import os
import secrets
import stat
import time
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path
from typing import Final

import structlog

from bot.config.settings import Settings
from bot.errors import ConfigError, Mistake

log = structlog.get_logger(__name__)

#: From this length on a token is beyond guessing.
STRONG: Final = 20
#: Wrong tries at a shorter token in one minute.
TRIES: Final = 30

_FILE: Final = "admin.token"
#: A token is short; what is longer is another file.
_MOST_BYTES: Final = 4096
_SCHEME: Final = "bearer "


class Verdict(Enum):
    """What becomes of a request for an operator's page."""

    ADMITTED = auto()
    DENIED = auto()
    #: Too many wrong tries; this one was not looked at.
    LATER = auto()


class AdminToken:
    """Compares what a request shows with the token, in constant time."""

    def __init__(self, token: str, *, now: Callable[[], float] = time.monotonic) -> None:
        #: For `KnownSecrets`, and for nothing that prints.
        self.value = token
        self._now = now
        self._minute = 0
        self._wrong = 0

    def __repr__(self) -> str:
        return "AdminToken(…)"

    def judge(self, authorization: str | None) -> Verdict:
        """Judge the value of an ``Authorization`` header; None when there was none."""
        if authorization is None:
            return Verdict.DENIED
        if self._locked():
            return Verdict.LATER
        shown = authorization[len(_SCHEME) :].strip()
        is_bearer = authorization[: len(_SCHEME)].lower() == _SCHEME
        if is_bearer and hmac.compare_digest(_digest(shown), _digest(self.value)):
            return Verdict.ADMITTED
        self._wrong += 1
        if self._wrong == 1:  # once a minute: a guesser must not fill the log
            log.warning("admin_token_wrong")
        return Verdict.DENIED

    def _locked(self) -> bool:
        minute = int(self._now() // 60)
        if minute != self._minute:
            self._minute, self._wrong = minute, 0
        return len(self.value) < STRONG and self._wrong >= TRIES


def _digest(token: str) -> bytes:
    """Return something of a fixed length, so that not even the length is told by the time."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def load_admin_token(settings: Settings) -> AdminToken:
    """Return the token of the settings, or the one kept in the session cache; made when missing.

    Blocks. Raises ConfigError when the file cannot be used.
    """
    if settings.admin_token is not None:
        return AdminToken(settings.admin_token.get_secret_value())
    path = settings.session_cache / _FILE
    try:
        return AdminToken(_read(path) or _generate(path))
    except OSError as error:
        raise _unreadable(path, error) from error


def read_admin_token(settings: Settings) -> str | None:
    """Return the token that a server with these settings asks for; None when it made none yet.

    Blocks. Raises ConfigError when the file cannot be used.
    """
    if settings.admin_token is not None:
        return settings.admin_token.get_secret_value()
    path = settings.session_cache / _FILE
    try:
        return _read(path)
    except OSError as error:
        raise _unreadable(path, error) from error


def _read(path: Path) -> str | None:
    """Read the token; None when there is no file. Nobody but its owner may read it from now on."""
    if path.is_symlink():
        raise _unusable(path, "is a symbolic link: remove it, and a new token is generated")
    try:
        # O_NOFOLLOW: it may have become one since; O_NONBLOCK: a pipe must not stop the start.
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(opened, "rb") as file:
        _close_to_others(path, opened)
        token = file.read(_MOST_BYTES).decode("latin-1").strip()
    if len(token) < STRONG or not token.isascii() or not token.isprintable() or " " in token:
        rule = f"{STRONG} or more letters, digits and signs"
        raise _unusable(path, f"holds no token ({rule}): remove it, and a new one is generated")
    return token


def _close_to_others(path: Path, opened: int) -> None:
    mode = os.fstat(opened).st_mode
    if not stat.S_ISREG(mode):
        raise _unusable(path, "is not a regular file: remove it, and a new token is generated")
    if mode & 0o077:
        os.fchmod(opened, 0o600)
        cure = "others could read it: remove it and start again, if they may not have it"
        log.warning("admin_token_mode_mended", file=_FILE, mode=f"{mode & 0o777:o}", cure=cure)


def _generate(path: Path) -> str:
    """Put a new token in place, whole or not at all."""
    token = secrets.token_urlsafe(32)
    fresh = path.with_name(f".{_FILE}.new")
    fresh.unlink(missing_ok=True)  # left by a start that was killed
    opened = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(opened, "w") as file:
        file.write(f"{token}\n")
        file.flush()
        os.fsync(opened)
    fresh.replace(path)
    log.info("admin_token_generated", file=str(path))
    return token


def _unreadable(path: Path, error: OSError) -> ConfigError:
    why = (error.strerror or str(error)).lower()
    return _unusable(path, f"cannot be used: {why}; set HEARTH_ADMIN_TOKEN instead")


def _unusable(path: Path, what: str) -> ConfigError:
    return ConfigError((Mistake(where=str(path), line=None, what=what),))
