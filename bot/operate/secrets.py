"""Which secrets this server knows, so that the log can leave them out."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

from bot.config.bot import Bot, McpServer
from bot.config.settings import Settings

#: Shorter arguments of a tool's command are flags; people put tokens among the longer ones.
_LONG_ARGUMENT = 12


class Bots(Protocol):
    """The bots as they are now; both mappings are replaced and never changed."""

    @property
    def bots(self) -> Mapping[str, Bot]:
        """The bots that take deliveries."""
        ...

    @property
    def retiring(self) -> Mapping[str, Bot]:
        """The bots that still finish what they owe."""
        ...


class KnownSecrets:
    """All secrets of the settings and the bots. Collected again when the bots have changed."""

    def __init__(self, settings: Settings, bots: Bots, *, admin_token: str) -> None:
        self._bots = bots
        self._fixed = (admin_token, *_of_settings(settings))
        self._seen: tuple[Mapping[str, Bot], ...] = ()
        self._known: tuple[str, ...] = ()

    def __call__(self) -> tuple[str, ...]:
        """Return the secrets; the same tuple for as long as they are the same."""
        seen = (self._bots.bots, self._bots.retiring)
        if not self._seen or any(a is not b for a, b in zip(seen, self._seen, strict=True)):
            bots = (bot for mapping in seen for bot in mapping.values())
            self._known = (*self._fixed, *(secret for bot in bots for secret in secrets_of(bot)))
            self._seen = seen
        return self._known


def secrets_of(bot: Bot) -> Iterator[str]:
    """Yield what must not be seen of a bot."""
    yield bot.credentials.key
    if bot.credentials.webhook_secret is not None:
        yield bot.credentials.webhook_secret
    for server in bot.agent.mcp_servers:
        yield from _of_server(server)


def _of_server(server: McpServer) -> Iterator[str]:
    yield from (value for _, value in (*server.env, *server.headers))
    yield from (argument for argument in server.args if len(argument) >= _LONG_ARGUMENT)
    if server.url is not None:
        yield from _of_address(server.url)


def _of_settings(settings: Settings) -> Iterator[str]:
    access = settings.agent_access
    named = settings.admin_token.get_secret_value() if settings.admin_token else None
    yield from (secret for secret in (named, access.api_key, access.oauth_token) if secret)
    for address in (access.base_url, settings.database_url, settings.campfire_url):
        yield from _of_address(address or "")


def _of_address(address: str) -> Iterable[str]:
    """Return the password in an address, and the values in its query: tokens travel there."""
    parts = urlsplit(address)
    password = [parts.password] if parts.password else []
    return password + [value for _, value in parse_qsl(parts.query)]
