import asyncio
from collections.abc import Callable

import anyio
import pytest
from structlog.testing import capture_logs

from bot.errors import ChatUnavailable
from bot.operate.schedule import Job, open_schedule


class Work:
    """A job that does as it is told, and tells how often it was run."""

    def __init__(self, *ends: Callable[[], None]) -> None:
        self._ends = list(ends)
        self.runs = 0
        self.finished = asyncio.Event()

    async def run(self) -> None:
        """Take the next end; the last one says that it is finished."""
        self.runs += 1
        if self._ends:
            self._ends.pop(0)()
        else:
            self.finished.set()


def fail(error: Exception) -> Callable[[], None]:
    """Give what raises *error*."""

    def end() -> None:
        raise error

    return end


async def forever() -> None:
    """Wait for what does not come."""
    await asyncio.Event().wait()


async def test_a_job_runs_at_once() -> None:
    """Not only after its first hour: a server may be restarted more often."""
    work = Work()
    async with open_schedule([Job(name="upkeep", every_s=3600, run=work.run)]):
        await work.finished.wait()
    assert work.runs == 1


@pytest.mark.parametrize("error", [ChatUnavailable("no answer"), OSError(28, "disk full")])
async def test_a_job_that_fails_comes_back(error: Exception) -> None:
    """What may fail at times is logged, with the job's name."""
    work = Work(fail(error))
    with capture_logs() as events:
        async with open_schedule([Job(name="upkeep", every_s=0.01, run=work.run)]):
            await work.finished.wait()
    (event,) = [event for event in events if event["event"] == "job_failed"]
    assert event == {
        "event": "job_failed",
        "log_level": "warning",
        "job": "upkeep",
        "why": str(error),
    }
    assert work.runs >= 2


async def test_a_bug_in_a_job_ends_the_server() -> None:
    """It cancels what runs beside it and travels to the top, with its traceback."""
    bug = ZeroDivisionError("a bug")
    with pytest.RaisesGroup(pytest.RaisesExc(ZeroDivisionError, match="a bug")) as caught:
        async with open_schedule([Job(name="upkeep", every_s=3600, run=Work(fail(bug)).run)]):
            await forever()
    assert caught.value.exceptions[0].__traceback__ is not None


async def test_the_servers_own_error_travels_too() -> None:
    """The schedule is closed and hides nothing."""
    with pytest.RaisesGroup(KeyError):
        async with open_schedule([Job(name="upkeep", every_s=3600, run=Work().run)]):
            raise KeyError("a bug elsewhere")


async def test_a_run_that_goes_on_is_cancelled_at_the_end() -> None:
    """And is over when the block is: nothing works on what is being closed."""
    started, ended = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        started.set()
        try:
            await forever()
        finally:
            ended.set()

    with capture_logs() as events:
        async with open_schedule([Job(name="upkeep", every_s=3600, run=run)]):
            await started.wait()
        assert ended.is_set()
    await anyio.wait_all_tasks_blocked()
    assert not events


async def test_a_job_never_runs_twice_at_the_same_time() -> None:
    """A run that is due meanwhile is left out, and other jobs are not kept waiting."""
    first, other = Work(), Work(*[lambda: None] * 20)

    async def slow() -> None:
        await first.run()
        await other.finished.wait()

    jobs = [
        Job(name="slow", every_s=0.001, run=slow),
        Job(name="other", every_s=0.001, run=other.run),
    ]
    async with open_schedule(jobs):
        await other.finished.wait()
        assert first.runs == 1


async def test_tasks_carry_the_jobs_name() -> None:
    """Whoever lists the tasks of a server should know what they do."""
    names: list[str] = []

    async def run() -> None:
        task = asyncio.current_task()
        assert task is not None
        names.append(task.get_name())
        done.set()

    done = asyncio.Event()
    async with open_schedule([Job(name="upkeep", every_s=3600, run=run)]):
        await done.wait()
    assert names == ["job upkeep"]
