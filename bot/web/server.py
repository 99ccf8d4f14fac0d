"""uvicorn, without its ideas about signals: when to stop is for us to say.

uvicorn closes its listeners before anything else, so that deliveries would be refused for the
whole drain; and a platform that is refused does not send again.
"""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import uvicorn
from starlette.types import ASGIApp

from bot.errors import ConfigError, Mistake
from bot.web.bare import BareProtocol
from bot.web.shortcut import Deliveries, Shortcut

#: Connections waiting to be accepted; a burst is not turned away.
_BACKLOG = 2048
#: How long open requests get once the listener is closed.
_CLOSE_S = 5


class Server(uvicorn.Server):
    """Serves until `should_exit` is set, on sockets that are bound already."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def build_server(app: ASGIApp, deliveries: Deliveries | None = None) -> Server:
    """Return a server for *app*; plain *deliveries* go there straight."""
    protocol = BareProtocol if deliveries is None else partial(Shortcut, deliveries)
    return Server(
        uvicorn.Config(
            app,
            http=protocol,  # type: ignore[arg-type] # it is only called
            ws="none",
            lifespan="off",
            access_log=False,  # its lines hold the webhook's query, which may be a secret
            log_config=None,
            server_header=False,
            date_header=False,
            proxy_headers=False,  # no address is trusted, so none has to be known
            backlog=_BACKLOG,
            timeout_graceful_shutdown=_CLOSE_S,
        )
    )


def listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to *host* and *port* (0: a free one). Raises ConfigError."""
    try:
        return socket.create_server((host, port), backlog=_BACKLOG, family=_family(host))
    except OSError as error:
        raise ConfigError((_deaf(host, port, error),)) from error


def _deaf(host: str, port: int, error: OSError) -> Mistake:
    """Say which of the two settings is to blame."""
    # Python adds the address, which our sentence has already.
    why = (error.strerror or str(error)).partition(" (while")[0]
    where, cure = "HEARTH_HOST", "name an address of this machine, such as 127.0.0.1"
    if error.errno == errno.EADDRINUSE:
        where, cure = "HEARTH_PORT", "choose another HEARTH_PORT or end the program that has it"
    elif error.errno == errno.EACCES:
        where, cure = "HEARTH_PORT", "choose one from 1024 on: those below are root's"
    what = f"{host}:{port} cannot be listened on: {why}; {cure}"
    return Mistake(where=where, line=None, what=what)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
