"""Jobs that come back. Each run has a parent: a bug in a job ends the block that opened it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.errors import BotError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """Something that is done again and again, never twice at the same time."""

    #: For the log and the task.
    name: str
    #: Seconds from one start to the next; a run that is due while one goes on is left out.
    every_s: float
    run: Callable[[], Awaitable[object]]


@asynccontextmanager
async def open_schedule(jobs: Iterable[Job]) -> AsyncIterator[None]:
    """Run *jobs* until the block ends; what still runs then is cancelled.

    The first run comes at once, so that a server that is often restarted does its upkeep too. A
    BotError or OSError is logged, and the job comes back at its time; any other error is a bug,
    which cancels the block and leaves it in an exception group.
    """
    scheduler = AsyncIOScheduler(executors={"default": AsyncIOExecutor()}, timezone=UTC)
    async with asyncio.TaskGroup() as group:
        running: set[asyncio.Task[None]] = set()
        for job in jobs:
            _add(scheduler, job, _start(job, group, running))
        scheduler.start()
        try:
            yield
        finally:
            scheduler.shutdown(wait=False)
            for task in running:
                task.cancel()


def _add(scheduler: AsyncIOScheduler, job: Job, start: Callable[[], Awaitable[None]]) -> None:
    scheduler.add_job(
        start,
        IntervalTrigger(seconds=job.every_s, timezone=UTC),
        id=job.name,
        name=job.name,
        next_run_time=datetime.now(UTC),
        coalesce=True,
        max_instances=1,
        # However late: a machine that slept must not skip the upkeep of an hour.
        misfire_grace_time=None,
    )


def _start(
    job: Job, group: asyncio.TaskGroup, running: set[asyncio.Task[None]]
) -> Callable[[], Awaitable[None]]:
    """Return what the scheduler calls: it starts a run in *group* and waits for its end.

    The scheduler itself would log an error and go on, whatever the error is.
    """

    async def start() -> None:
        task = group.create_task(_run(job), name=f"job {job.name}")
        running.add(task)
        task.add_done_callback(running.discard)
        # Cancelled only when the scheduler shuts down, which would log that as an error.
        with suppress(asyncio.CancelledError):
            await asyncio.wait([task])

    return start


async def _run(job: Job) -> None:
    try:
        await job.run()
    except (BotError, OSError) as error:
        log.warning("job_failed", job=job.name, why=str(error) or type(error).__name__)
