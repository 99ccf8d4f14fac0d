"""One run: everything opens, the plan happens, it all comes to rest, and is looked at."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from starlette.requests import ClientDisconnect

from bot.testing.campfire import Dialect, open_campfire
from bot.testing.model import open_model
from tests.chaos.faults import Blows, Failings
from tests.chaos.journal import calm_s, read_rows
from tests.chaos.judge import missed
from tests.chaos.load import Equation, Load
from tests.chaos.plan import Plan
from tests.chaos.records import History, Poll
from tests.chaos.server import Server, free_port, log_counts
from tests.chaos.stage import GRACE_S, Stage

#: Each conversation that is open is a process of its own.
OPEN_CONVERSATIONS = 12
#: So much longer may it take when a message waits for its trial, since kills hit it again and
#: again.
_MOST_CALM_S = 120.0


class _Expected(logging.Filter):
    """Leaves out of the chat's own log that a killed server did not send its post to the end."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.exc_info is None or not isinstance(record.exc_info[1], ClientDisconnect)


@asynccontextmanager
async def open_stage(folder: Path, *, dialect: Dialect, rooms: int) -> AsyncIterator[Stage]:
    """Open chat and model on loopback."""
    logging.getLogger("uvicorn.error").addFilter(_Expected())
    async with open_model(keep=1) as model, open_campfire(dialect=dialect) as campfire:
        yield Stage(folder, model, campfire, rooms=rooms)


@asynccontextmanager
async def serving(
    stage: Stage, *, port: int, conversations: int = OPEN_CONVERSATIONS
) -> AsyncIterator[Server]:
    """Keep a server up until the block ends; then it ends in order, and its orphans with it."""
    environ = stage.environ(open_conversations=conversations)
    server = Server(stage.folder, environ, port=port)
    stage.call(server.url)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.run(), name="supervisor")
        try:
            yield server
        finally:
            await server.close(GRACE_S)


async def run_plan(
    plan: Plan,
    folder: Path,
    *,
    dialect: Dialect,
    settle_s: float,
    conversations: int = OPEN_CONVERSATIONS,
) -> History:
    """Let *plan* happen to a server in *folder*; what is open after *settle_s* stays open.

    *conversations* may be open at once: with more rooms than that, they take turns.
    """
    began = time.monotonic()
    async with open_stage(folder, dialect=dialect, rooms=plan.rooms) as stage:
        load = Load(stage, plan)
        port = free_port(plan.seed)
        async with serving(stage, port=port, conversations=conversations) as server:
            blows, failings = Blows(server, plan), Failings(stage, server, plan)
            equation = Equation(server.url)
            await equation.started()
            await _wreak(load, blows, failings, equation)
            settled = await _come_to_rest(stage, load, equation, settle_s)
            if dialect is Dialect.MAIN:
                settled = await _catch_up(stage, load, server, equation, settle_s) and settled
        return replace(
            gather(stage, load, server),
            polls=tuple(equation.polls),
            blows=dict(blows.struck),
            troubles=dict(failings.met),
            full=tuple(server.full),
            has_history=dialect is Dialect.MAIN,
            settled=settled,
            took_s=time.monotonic() - began,
        )


def gather(stage: Stage, load: Load, server: Server) -> History:
    """Return what chat, model and journal hold when the server has ended."""
    return History(
        asked=load.asked(),
        shown=stage.shown(),
        prompts=tuple(stage.prompts),
        rows=read_rows(stage.cache / "journal.db"),
        polls=(),
        lives=tuple(server.lives),
        blows={},
        troubles={},
        full=(),
        has_history=False,
        complaints=stage.complaints(),
        logged=log_counts(server.log),
        settled=True,
        took_s=0.0,
    )


async def _wreak(load: Load, blows: Blows, failings: Failings, equation: Equation) -> None:
    """Do all of the plan at once; the equation is read as long as it lasts."""
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(equation.watch(), name="equation")
        async with asyncio.TaskGroup() as doing:
            doing.create_task(load.run(), name="load")
            doing.create_task(blows.run(), name="blows")
            doing.create_task(failings.run(), name="failings")
        watching.cancel()


async def _come_to_rest(stage: Stage, load: Load, equation: Equation, settle_s: float) -> bool:
    """Wait until nothing is open, and return whether it came to that.

    A message that kills hit again and again is not tried before the server has lived for a while:
    that comes on top.
    """
    settle_s += min(calm_s(stage.cache / "journal.db"), _MOST_CALM_S)
    acknowledged = sum(one.acknowledged_at is not None for one in load.asked())
    try:
        async with asyncio.timeout(settle_s):
            await equation.until(
                lambda poll: poll.counts["open"] == 0 and poll.counts["accepted"] >= acknowledged
            )
            # What cannot be removed at once is tried again; in the end none may be left.
            await stage.campfire.wait_until(
                lambda _: not any(shown.growing for shown in stage.shown()), timeout_s=settle_s
            )
    except TimeoutError:
        return False
    return True


async def _catch_up(
    stage: Stage, load: Load, server: Server, equation: Equation, settle_s: float
) -> bool:
    """Start the server once more: it finds what met a closed port. Return whether it came to rest.

    A server that runs looks every five minutes, which nobody waits for here.
    """
    await server.terminate()
    await server.end(GRACE_S)
    journal = stage.cache / "journal.db"

    def at_rest(poll: Poll) -> bool:
        return poll.counts["open"] == 0 and not any(missed(load.asked(), read_rows(journal)))

    try:
        async with asyncio.timeout(settle_s):
            await server.serving()
            await equation.until(at_rest)
    except TimeoutError:
        return False
    return await _come_to_rest(stage, load, equation, settle_s)
