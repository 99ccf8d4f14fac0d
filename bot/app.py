"""The composition root: everything is opened here, in order, and closed in reverse."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

import structlog
from starlette.types import ASGIApp

from bot.agent.agent import Agent
from bot.agent.folders import AgentFolders
from bot.agent.memory import MemorySamples
from bot.agent.orphans import end_orphans
from bot.agent.selfcheck import ChildVersion
from bot.config.bot import Bot
from bot.config.cache import make_cache
from bot.config.roster import Reload, Roster
from bot.config.settings import NO_ACCESS_CURE, Settings
from bot.config.watch import watch
from bot.errors import ConfigError
from bot.journal import FILE
from bot.journal.journal import Journal, open_journal
from bot.operate.admin import AdminToken, load_admin_token
from bot.operate.dead_letters import DeadLetterPages
from bot.operate.garbage import GarbageCollection
from bot.operate.lapse import Lapse
from bot.operate.letters import DeadLetters
from bot.operate.logs import configure_logging
from bot.operate.metrics import Metrics
from bot.operate.pages import QueuePages, ServerPages, SessionPages, build_pages
from bot.operate.readiness import Readiness
from bot.operate.redaction import Redaction
from bot.operate.schedule import Job, open_schedule
from bot.operate.secrets import KnownSecrets
from bot.operate.upkeep import session_ttl, upkeep_jobs
from bot.platforms.campfire import Campfire, open_campfire
from bot.rooms.assembly import Rooms, open_rooms
from bot.rooms.lanes import Lanes
from bot.rooms.posting import Posting
from bot.rooms.showing import Pace
from bot.sessions.assembly import open_sessions
from bot.sessions.budget import Allowance, Budget
from bot.sessions.files import SessionFiles
from bot.sessions.sessions import Sessions
from bot.sessions.spares import Spares, fitting
from bot.web.edge import Edge
from bot.web.webhook import Webhook

log = structlog.get_logger(__name__)

#: How often catching up is thought of; it decides by itself whether a look is due.
_CATCH_UP_S = 10.0
#: How often the agent's children are looked at.
_CHILDREN_S = 5.0
#: How often is looked for what turns have left in the rooms, beyond the end of each.
_CLEARING_S = 10.0
#: How long it has to be quiet before garbage is looked for.
_QUIET_S = 2.0
#: How turns are shown while they run.
PACE = Pace()


@dataclass(frozen=True, slots=True)
class Hearth:
    """An open server, without its listener."""

    edge: ASGIApp
    webhook: Webhook
    journal: Journal
    lanes: Lanes
    posting: Posting
    roster: Roster
    sessions: Sessions


@asynccontextmanager
async def open_hearth(settings: Settings, environ: Mapping[str, str]) -> AsyncIterator[Hearth]:
    """Open everything but the listener."""
    cache = make_cache(settings.session_cache)
    roster = _read_roster(settings, environ)
    token = _begin_logging(settings, roster)
    _warn(settings, roster)
    async with AsyncExitStack() as stack:
        opened = stack.enter_async_context
        journal = await opened(open_journal(cache / FILE, node=str(uuid4())))
        folders = AgentFolders(root=cache)
        agent = Agent(settings.agent_access, folders)
        log.debug("rooms_taken", left_running=await journal.take_rooms())
        async with asyncio.TaskGroup() as meanwhile:
            # The child is looked at in processes of its own, for longer than the rest takes.
            child = meanwhile.create_task(agent.prepare(), name="look at the child")
            await asyncio.to_thread(end_orphans, folders)
            campfire = await opened(open_campfire(settings.campfire_url or ""))
        chats = {campfire.name: campfire}
        sessions = await opened(_sessions(settings, agent, cache, journal, roster))
        lapse = Lapse(sessions.statistics, ttl_s=session_ttl(roster, settings.session_ttl_s))
        metrics = _metrics(journal, lapse, child.result())
        rooms = await opened(
            open_rooms(
                journal,
                sessions,
                agent,
                roster,
                chats,
                metrics,
                pace=PACE,
                catch_up_s=settings.catch_up_s,
            )
        )
        upkeep = upkeep_jobs(
            sessions, journal, roster, settings=settings, disk_free=metrics.disk_free
        )
        await opened(open_schedule((*upkeep, *_frequent_jobs(journal, sessions, rooms))))
        await opened(_keeping_up(roster, agent, campfire, sessions))
        webhook = Webhook(roster, chats, rooms.inbox, metrics, enqueue=rooms.lanes.enqueue)
        pages = _pages(settings, journal, lapse, rooms.lanes, roster, metrics, token)
        edge = Edge(webhook, pages)
        yield Hearth(edge, webhook, journal, rooms.lanes, rooms.posting, roster, sessions)


def _metrics(journal: Journal, lapse: Lapse, child: ChildVersion) -> Metrics:
    metrics = Metrics(journal, lapse.statistics, version=version("hearth"))
    metrics.runs(sdk=child.sdk, child=child.child)
    return metrics


def _frequent_jobs(journal: Journal, sessions: Sessions, rooms: Rooms) -> tuple[Job, ...]:
    """Return what is looked after every few seconds; the watchdog waits for none of the others."""
    return (
        Job(name="children", every_s=_CHILDREN_S, run=sessions.look_after),
        Job(name="watchdog", every_s=_CHILDREN_S, run=sessions.end_stuck),
        Job(name="catch-up", every_s=_CATCH_UP_S, run=rooms.catch_up.run),
        Job(name="clearing", every_s=_CLEARING_S, run=rooms.progress.clean),
        Job(name="garbage", every_s=_QUIET_S, run=GarbageCollection(journal, rooms.lanes).run),
    )


def _read_roster(settings: Settings, environ: Mapping[str, str]) -> Roster:
    """Read the bots; at the start, every mistake is one too many."""
    roster = Roster(settings.bots_dir, environ=environ, settings=settings)
    reload = roster.reload()
    if reload.mistakes:
        raise ConfigError(reload.mistakes)
    return roster


def _warn(settings: Settings, roster: Roster) -> None:
    """Say what a server can start with and had better not."""
    for warning in roster.warnings:
        log.warning("bot_file_unwise", what=str(warning))
    if not settings.agent_access.complete:
        log.warning("no_model_access", cure=NO_ACCESS_CURE)


def _begin_logging(settings: Settings, roster: Roster) -> AdminToken:
    """Log from here on, without any secret; return the one that is read, or made, on the way."""
    configure = partial(configure_logging, format=settings.log_format, level=settings.log_level)
    configure(secrets=KnownSecrets(settings, roster, admin_token=""))
    token = load_admin_token(settings)
    configure(secrets=KnownSecrets(settings, roster, admin_token=token.value))
    return token


def _sessions(
    settings: Settings, agent: Agent, cache: Path, journal: Journal, roster: Roster
) -> AbstractAsyncContextManager[Sessions]:
    """Return the sessions, within their budget, to be opened."""
    samples = MemorySamples()
    budget = Budget.of(settings.memory_budget_bytes, child_bytes=settings.child_limit_bytes)
    allowance = Allowance(budget, samples)

    def each() -> int:
        set_to = settings.spares
        return fitting(allowance.places, len(roster.bots)) if set_to is None else set_to

    def remembering() -> Mapping[str, Bot]:
        # The others begin each turn with a child of its own, which no spare can be.
        return {name: bot for name, bot in roster.bots.items() if bot.session.record}

    spares, files = Spares(agent, remembering, each=each), SessionFiles(cache)
    spares.hold()  # until it is known what is owed
    return open_sessions(agent, files, journal, spares=spares, allowance=allowance, samples=samples)


@asynccontextmanager
async def _keeping_up(
    roster: Roster, agent: Agent, campfire: Campfire, sessions: Sessions
) -> AsyncIterator[None]:
    """Follow what changes in the bots' folder, for as long as the block lasts."""

    def introduce(_reload: Reload | None = None) -> None:
        campfire.know_bots(bot.credentials.key for bot in roster.bots.values())
        sessions.bots_changed()

    introduce()
    for bot in roster.bots.values():
        agent.check(bot)
    roster.on_change(introduce)
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(watch(roster, stop=stop), name="watch bots")
        try:
            yield
        finally:
            stop.set()


def _pages(
    settings: Settings,
    journal: Journal,
    lapse: Lapse,
    lanes: Lanes,
    roster: Roster,
    metrics: Metrics,
    token: AdminToken,
) -> ASGIApp:
    readiness = Readiness(
        journal,
        bots=lambda: len(roster.bots),
        agent=lambda: True,
        draining=lambda: lanes.draining,
    )
    session_pages = SessionPages(
        lapse.statistics,
        journal,
        serving=roster.serving,
        ttl_s=session_ttl(roster, settings.session_ttl_s),
        agent=lambda: True,
    )
    redact = Redaction(KnownSecrets(settings, roster, admin_token=token.value))
    letters = DeadLetters(journal, enqueue=lanes.enqueue, redact=redact)
    return build_pages(
        ServerPages(readiness, metrics),
        session_pages,
        QueuePages(journal, lanes),
        DeadLetterPages(letters),
        token=token,
    )
