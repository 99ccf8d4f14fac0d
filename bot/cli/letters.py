"""Where the commands reach the dead letters: at the running server, or in its journal.

The journal's lock decides: who holds it is the only one who may write.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

from bot.config.address import loopback_url
from bot.config.roster import Roster
from bot.config.settings import Settings, load_settings
from bot.errors import BotError, ConfigError, JournalHeld, Mistake
from bot.journal import FILE, Journal, open_journal
from bot.operate.admin import read_admin_token
from bot.operate.letters import DeadLetters, NoSuchMessage, NotDead
from bot.operate.redaction import Redaction
from bot.operate.secrets import KnownSecrets

_PATH = "/admin/dead-letters"
#: A commit is waited for; a server that is stopped (SIGSTOP) answers never.
_PATIENCE_S = 15.0

Shown = dict[str, Any]


class ServerFailed(BotError):
    """The running server did not do what it was asked for."""


class Letters(Protocol):
    """The dead letters, wherever they are. Raises NoSuchMessage and NotDead."""

    async def page(self, *, limit: int, before: int | None) -> Shown:
        """Return a page of the list, newest first."""
        ...

    async def show(self, seq: int) -> Shown:
        """Return everything about one."""
        ...

    async def retry(self, seq: int) -> Shown:
        """Have it answered after all."""
        ...

    async def drop(self, seq: int) -> Shown:
        """Take it off the list."""
        ...


@asynccontextmanager
async def open_letters(environ: Mapping[str, str]) -> AsyncIterator[tuple[Letters, bool]]:
    """Open the dead letters; the second value says whether a server runs.

    Raises ConfigError when the settings lead to none.
    """
    settings = load_settings(environ)
    async with AsyncExitStack() as stack:
        journal = await _own_journal(settings, stack)
        if journal is None:
            yield ServerLetters(_address(settings), _token(settings)), True
        else:
            redact = Redaction(_secrets(settings, environ))
            yield DeadLetters(journal, enqueue=_leave_to_the_next_start, redact=redact), False


async def _own_journal(settings: Settings, stack: AsyncExitStack) -> Journal | None:
    """Open the journal; None when a server has it."""
    path = settings.session_cache / FILE
    if not path.exists():
        what = f"{settings.session_cache} holds no journal: name the folder of the server's state"
        raise _wrong("HEARTH_SESSION_CACHE", what)
    try:
        return await stack.enter_async_context(open_journal(path, node="dead-letters"))
    except JournalHeld:
        return None


def _secrets(settings: Settings, environ: Mapping[str, str]) -> KnownSecrets:
    """Return what must not be shown; a bot whose file is broken has no part in it."""
    roster = Roster(settings.bots_dir, environ=environ, settings=settings)
    roster.reload()
    return KnownSecrets(settings, roster, admin_token="")


def _leave_to_the_next_start(_lane: str) -> None:
    """Do nothing: the server takes up every lane with open messages when it starts."""


def _address(settings: Settings) -> str:
    if settings.port == 0:
        raise _wrong("HEARTH_PORT", "is 0: name the port on which the running server listens")
    return loopback_url(settings.host, settings.port)


def _token(settings: Settings) -> str:
    token = read_admin_token(settings)
    if token is None:
        what = (
            f"is not set, and {settings.session_cache} has no admin.token: set it as the server's"
        )
        raise _wrong("HEARTH_ADMIN_TOKEN", what)
    return token


def _wrong(setting: str, what: str) -> ConfigError:
    return ConfigError((Mistake(where=setting, line=None, what=what),))


class ServerLetters:
    """The dead letters of a running server, through its admin routes."""

    def __init__(self, address: str, token: str) -> None:
        self._address = address
        self._token = token

    async def page(self, *, limit: int, before: int | None) -> Shown:
        """Return a page of the list, newest first."""
        older = "" if before is None else f"&before={before}"
        return await self._ask("GET", f"?limit={limit}{older}")

    async def show(self, seq: int) -> Shown:
        """Return everything about one."""
        return await self._ask("GET", f"/{seq}")

    async def retry(self, seq: int) -> Shown:
        """Have it answered after all."""
        return await self._ask("POST", f"/{seq}/retry")

    async def drop(self, seq: int) -> Shown:
        """Take it off the list."""
        return await self._ask("POST", f"/{seq}/drop")

    async def _ask(self, method: str, path: str) -> Shown:
        try:
            status, body = await asyncio.to_thread(self._exchange, method, _PATH + path)
        except (OSError, HTTPException) as error:
            what = (
                f"nothing answers at {self._address} ({str(error) or type(error).__name__}), and"
                " yet a server holds the journal: set HEARTH_HOST and HEARTH_PORT as the server's"
            )
            raise _wrong("HEARTH_PORT", what) from error
        if status == HTTPStatus.UNAUTHORIZED:
            what = f"is not the one that the server at {self._address} asks for"
            raise _wrong("HEARTH_ADMIN_TOKEN", what)
        return self._read(status, body)

    def _exchange(self, method: str, path: str) -> tuple[int, bytes]:
        """Ask directly: no proxy of the environment, no redirect, may learn the token."""
        at = urlsplit(self._address)
        connection = HTTPConnection(str(at.hostname), at.port, timeout=_PATIENCE_S)
        try:
            headers = {"Authorization": f"Bearer {self._token}"}
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _read(self, status: int, body: bytes) -> Shown:
        try:
            content = cast("Shown", json.loads(body))
            why = content.get("error")
        except (ValueError, AttributeError):
            raise ServerFailed(f"the server at {self._address} answered {status}") from None
        if why is None:
            return content
        refusals = {HTTPStatus.NOT_FOUND: NoSuchMessage, HTTPStatus.CONFLICT: NotDead}
        raise refusals.get(HTTPStatus(status), ServerFailed)(str(why))
