"""Puts the sessions of a folder together, and takes them apart in the end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import structlog

from bot.agent.agent import Agent
from bot.agent.memory import MemorySamples
from bot.sessions.background import Background
from bot.sessions.budget import Allowance
from bot.sessions.conversations import Conversations
from bot.sessions.eviction import Eviction
from bot.sessions.files import SessionFiles
from bot.sessions.opener import Opener
from bot.sessions.registry import Registry
from bot.sessions.saving import Saving
from bot.sessions.seat import Prompts
from bot.sessions.sessions import Sessions
from bot.sessions.spares import Spares

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_sessions(
    agent: Agent,
    files: SessionFiles,
    prompts: Prompts,
    *,
    spares: Spares,
    allowance: Allowance,
    samples: MemorySamples,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AsyncIterator[Sessions]:
    """Open the sessions of a folder; closes every conversation in the end."""
    found, wrong = await asyncio.to_thread(files.scan)
    for name, why in wrong:
        log.warning("session_file_wrong", file=name, why=why)
    await agent.tidy(file.session_id for file in found)
    async with asyncio.TaskGroup() as group:
        registry = Registry(now=now)
        registry.know(found)
        eviction = Eviction(registry, spares)
        conversations = Conversations(
            agent,
            group,
            allowance,
            samples,
            make_room=eviction.make_room,
            lacking=lambda: spares.lacking,
        )
        registry.on_release = conversations.slots.look_again
        saving = Saving(files)
        opener = Opener(agent, registry, conversations, spares, saving, prompts)
        background = Background(registry, conversations, opener, group)
        eviction.on_lack = background.compacting.give_a_place
        sessions = Sessions(registry, conversations, spares, eviction, opener, background, saving)
        group.create_task(saving.run(), name="session-files")
        refilling = group.create_task(spares.run(conversations), name="spares")
        try:
            yield sessions
        finally:
            refilling.cancel()
            await sessions.close()
