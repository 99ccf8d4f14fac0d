"""A real uvicorn on 127.0.0.1 for the stand-ins, that can also misbehave on request.

`uvicorn.Server.serve` is not used: it takes the signals of the process, which belong to the
server under test, and its loop wakes ten times a second.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import ASGIApp, Receive, Scope
from uvicorn import Config, Server

HOST = "127.0.0.1"


def _bind(port: int) -> socket.socket:
    """Take *port*, or a free one for 0; also one that was closed a moment ago."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
    except OSError:
        sock.close()
        raise
    return sock


class Listener:
    """Where a stand-in listens, and the ways in which a network can fail it."""

    def __init__(self, app: ASGIApp) -> None:
        config = Config(
            app,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=75,
        )
        config.load()
        self._server = Server(config)
        self._server.lifespan = config.lifespan_class(config)
        #: The TCP port; fixed from `open` on, also while connections are refused.
        self.port = 0

    @property
    def url(self) -> str:
        """Base address, without a slash at the end."""
        return f"http://{HOST}:{self.port}"

    async def open(self, port: int = 0) -> None:
        """Listen on *port*, or on a free one for 0."""
        sock = _bind(port)
        self.port = sock.getsockname()[1]
        await self._server.startup(sockets=[sock])

    async def refuse(self) -> None:
        """Be down: close every connection, and refuse new ones. Running requests lose theirs."""
        for server in self._server.servers:
            server.close()
        self._server.servers = []
        self._close_connections()
        await asyncio.sleep(0)  # in which the connections end

    async def accept(self) -> None:
        """Listen again, on the same port."""
        if not self._server.servers:
            await self.open(self.port)

    def hang_up(self, scope: Scope) -> None:
        """Close the connection of the request *scope* without a word.

        What was sent before still arrives; what is sent after goes nowhere.
        """
        for connection in list(self._server.server_state.connections):
            if getattr(connection, "client", None) == tuple(scope["client"]):
                connection.transport.close()

    async def close(self) -> None:
        """Stop listening, close what is open, and wait for the requests to notice."""
        for server in self._server.servers:
            server.close()
        self._close_connections()
        tasks = list(self._server.server_state.tasks)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=2)
            for task in late:
                task.cancel()

    def _close_connections(self) -> None:
        for connection in list(self._server.server_state.connections):
            connection.transport.close()


class _Gone(Exception):
    """The client of a request has closed its connection."""


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    raise _Gone


async def while_connected(receive: Receive, answering: Coroutine[Any, Any, None]) -> None:
    """Run *answering* to its end, or cancel it when the client goes away.

    The body of the request must have been read before.
    """
    try:
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(_until_gone(receive), name="watch for a hang-up")
            await answering
            watch.cancel()
    except* _Gone:
        pass


@asynccontextmanager
async def listening(app: ASGIApp, *, port: int = 0) -> AsyncIterator[Listener]:
    """Serve *app* on 127.0.0.1 until the block ends."""
    listener = Listener(app)
    await listener.open(port)
    try:
        yield listener
    finally:
        await listener.close()
