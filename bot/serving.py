"""From the bound socket to the last turn: how the server runs, and how it stops."""

import asyncio
import gc
import signal
import socket
from collections.abc import Callable, Mapping

import structlog

from bot.app import open_hearth
from bot.config.address import loopback_url
from bot.config.settings import Settings
from bot.web.server import build_server, listen

log = structlog.get_logger(__name__)


async def serve(settings: Settings, environ: Mapping[str, str], *, listener: socket.socket) -> None:
    """Serve on *listener* until SIGTERM or SIGINT; a second one ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, stop, loop)
    await run_server(settings, environ, stop=stop, listener=listener)


def _stop(stop: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
    """Ask for an orderly end, and give the signals back to the system for the next time."""
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)
    log.info("stopping", again="a second signal ends the server at once")
    stop.set()


async def run_server(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    stop: asyncio.Event,
    listener: socket.socket | None = None,
    on_listening: Callable[[str], None] | None = None,
) -> None:
    """Serve until *stop* is set, on a *listener* of its own if it is given none.

    *on_listening* is told the address. Raises ConfigError, AgentMissing or JournalUnavailable,
    or a group of them, when it cannot start; any other exception is a bug, for which the process
    has to end.
    """
    # Bound first: what is delivered while everything opens waits in the backlog.
    with listener or listen(settings.host, settings.port) as bound:
        async with open_hearth(settings, environ) as hearth, asyncio.TaskGroup() as group:
            _keep_what_is_here()
            server = build_server(hearth.edge, hearth.webhook)
            http = group.create_task(server.serve(sockets=[bound]), name="http")
            http.add_done_callback(lambda _: stop.set())
            # Without it nothing could be accepted, or said, any more.
            journal = group.create_task(hearth.journal.serve(), name="journal")
            url = address(bound)
            log.info("started", url=url, bots=sorted(hearth.roster.bots))
            if on_listening is not None:
                on_listening(url)
            resumed = await hearth.lanes.resume()
            log.info("resumed", lanes=resumed)
            warm_rooms, busy = settings.warm_rooms, resumed > 0
            hearth.sessions.open_ahead(hearth.roster.get, warm_rooms, busy=busy)
            await stop.wait()
            # 1. The listener stays open: deliveries are still recorded, for the next start.
            hearth.sessions.stop_ahead()
            # 2. Replies that only wait for their next try wait in the journal.
            hearth.posting.wait_no_more()
            # 3. Running turns finish within the grace; the rest is cut off and said so.
            cut = await hearth.lanes.drain(settings.grace_s)
            # 4. Only now the server closes; open requests get their answer.
            server.should_exit = True
            journal.cancel()
            log.info("drained", cut_off=cut)
    log.info("stopped")


def _keep_what_is_here() -> None:
    """Have no pause for garbage look through what a start has made: it stays.

    That would hold the loop, long enough to show in the slowest hundredth of the acknowledgements.
    There is next to no garbage in it, and looking now would hold up the first turn.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def address(listener: socket.socket) -> str:
    """Return the URL under which *listener* can be reached on this machine."""
    host, port = listener.getsockname()[:2]
    return loopback_url(host, port)
