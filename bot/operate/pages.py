"""The pages of the operator: whether the server lives, is ready and well, and what it does."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, Router

from bot.config.bot import Bot
from bot.journal.views import Tally, WaitingLane
from bot.operate.admin import AdminToken
from bot.operate.dead_letters import DeadLetterPages
from bot.operate.health import Trouble, session_health
from bot.operate.page import ACT, Page, as_json, as_text, parse_window
from bot.operate.statistics import SessionRows, show_queues
from bot.operate.waiting import Waiting
from bot.records import Entry
from bot.sessions.statistics import SessionsStatistics


class Journal(Protocol):
    """The journal, as far as it is shown."""

    async def tally(self) -> Tally:
        """Read the equation."""
        ...

    async def lanes(self) -> tuple[WaitingLane, ...]:
        """Read how much waits in each lane, the longest waiting first."""
        ...


class Lanes(Protocol):
    """The lanes, as far as they are shown."""

    @property
    def running(self) -> Mapping[str, Entry]:
        """What is being answered now, by lane."""
        ...

    @property
    def ended(self) -> Mapping[str, int]:
        """Turns that ended since the start, by outcome."""
        ...


class Readiness(Protocol):
    """Whether the server can take messages."""

    async def why_not(self) -> tuple[str, ...]:
        """Return what is missing; empty when ready."""
        ...


class Metrics(Protocol):
    """What Prometheus reads."""

    async def render(self) -> tuple[bytes, str]:
        """Return the text and its content type."""
        ...


class SessionPages:
    """``/session/stats`` and ``/health/sessions``."""

    def __init__(
        self,
        statistics: Callable[[], SessionsStatistics],
        journal: Journal,
        *,
        serving: Callable[[str], Bot | None],
        ttl_s: Callable[[str], float],
        agent: Callable[[], bool],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._statistics = statistics
        self._journal = journal
        self._serving = serving
        self._ttl_s = ttl_s
        self._agent = agent
        self._now = now
        self._trouble = Trouble()

    async def stats(self, request: Request) -> Response:
        """Show the sessions, those used last first."""
        window = parse_window(request)
        waiting = Waiting(await self._journal.lanes())
        rows = SessionRows(waiting, serving=self._serving, ttl_s=self._ttl_s, now=self._now())
        return as_json(rows.show(self._statistics(), window))

    async def health(self, _request: Request) -> Response:
        """Show whether the sessions are well, and why not."""
        statistics = self._statistics()
        died, lost = self._trouble.since(statistics, at=self._now().timestamp())
        health = session_health(
            statistics, died_recently=died, lost_recently=lost, agent=self._agent()
        )
        return as_json({"status": health.status, **asdict(health)})


class QueuePages:
    """``/queue/stats``."""

    def __init__(
        self,
        journal: Journal,
        lanes: Lanes,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._journal = journal
        self._lanes = lanes
        self._now = now

    async def stats(self, request: Request) -> Response:
        """Show the equation and what waits."""
        window = parse_window(request)
        tally, waiting = await self._journal.tally(), await self._journal.lanes()
        shown = show_queues(
            tally,
            waiting,
            self._lanes.running,
            ended=self._lanes.ended,
            window=window,
            now=self._now(),
        )
        return as_json(shown)


class ServerPages:
    """``/health``, ``/ready`` and ``/metrics``."""

    def __init__(self, readiness: Readiness, metrics: Metrics) -> None:
        self._readiness = readiness
        self._metrics = metrics

    async def alive(self, _request: Request) -> Response:
        """Say that the process answers; nothing else is looked at."""
        return as_text("ok")

    async def ready(self, _request: Request) -> Response:
        """Say whether messages can be taken and answered, and if not, what is missing."""
        why = await self._readiness.why_not()
        if why:
            content = {"ready": False, "why": why}
            return as_json(content, status=HTTPStatus.SERVICE_UNAVAILABLE)
        return as_json({"ready": True})

    async def metrics(self, _request: Request) -> Response:
        """Answer a scrape."""
        text, media_type = await self._metrics.render()
        return as_text(text, media_type=media_type)


def build_pages(
    server: ServerPages,
    sessions: SessionPages,
    queues: QueuePages,
    letters: DeadLetterPages,
    *,
    token: AdminToken,
) -> Router:
    """Return the application of all pages. What is not open needs *token*."""
    routes: list[BaseRoute] = [
        Route("/health", Page(server.alive, token=None)),
        Route("/ready", Page(server.ready, token=None)),
        Route("/metrics", Page(server.metrics, token=token)),
        Route("/session/stats", Page(sessions.stats, token=token)),
        Route("/queue/stats", Page(queues.stats, token=token)),
        Route("/health/sessions", Page(sessions.health, token=token)),
        Route("/admin/dead-letters", Page(letters.list, token=token)),
        Route("/admin/dead-letters/{seq}", Page(letters.show, token=token)),
        Route("/admin/dead-letters/{seq}/retry", Page(letters.retry, token=token, methods=ACT)),
        Route("/admin/dead-letters/{seq}/drop", Page(letters.drop, token=token, methods=ACT)),
    ]
    return Router(routes, redirect_slashes=False)
