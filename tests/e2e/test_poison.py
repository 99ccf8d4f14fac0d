"""A message that brings the server down costs itself, and a stop makes nobody a suspect."""

import signal
import sqlite3
import time
from pathlib import Path

from bot.language.english import ENGLISH
from bot.testing.model import Gate, hold
from tests.agent.processes import eventually
from tests.e2e.process import serving_apart
from tests.e2e.world import World, open_world

#: Whoever says "poison" ends the server when the prompt is to leave. Without the calm between two
#: tries, which the tests of the quarantine look at.
_POISON = """
import bot.rooms.evidence as evidence
from bot.agent.conversation import Conversation
from tests.e2e.killing import die
evidence._CALM_S = 0.0
ask = Conversation.ask
async def poisoned(self, text, **how):
    if "poison" in text: die()
    return await ask(self, text, **how)
Conversation.ask = poisoned
"""


def attempts(world: World) -> list[tuple[str, int]]:
    """Return how the attempts of the first message ended, and which were alone."""
    with sqlite3.connect(f"file:{world.cache / 'journal.db'}?mode=ro", uri=True) as db:
        rows = db.execute("SELECT state, alone FROM attempts WHERE entry = 1 ORDER BY number")
        found = rows.fetchall()
    db.close()
    return found


def lasted(world: World) -> list[float]:
    """Return how long each try ran that was alone, until the server ended; in seconds."""
    with sqlite3.connect(f"file:{world.cache / 'journal.db'}?mode=ro", uri=True) as db:
        rows = db.execute(
            "SELECT ended_at - started_at FROM attempts WHERE alone = 1 AND state = 'interrupted'"
        )
        found = [seconds for (seconds,) in rows]
    db.close()
    return found


async def noted(world: World) -> None:
    """Wait until the server has noted once more that it lives."""
    lock, since = world.cache / "journal.db.lock", time.time()
    await eventually(lambda: lock.stat().st_mtime > since)


async def test_poison(tmp_path: Path) -> None:
    """Twice beside others, three times alone: then the room is told, and goes on."""
    async with open_world(tmp_path) as world:
        async with serving_apart(world, fault=_POISON) as server:
            await world.say("@Ada here is poison")
            assert await server.ended() == -signal.SIGKILL
        for _ in range(4):
            async with serving_apart(world, fault=_POISON) as server:
                assert await server.ended() == -signal.SIGKILL
        assert [alone for _, alone in attempts(world)] == [0, 0, 1, 1, 1]
        async with serving_apart(world, fault=_POISON) as server:
            assert await server.settled() == {"accepted": 1, "dead": 1}
            await world.ask("@Ada echo: all is well")
            assert await server.settled() == {"accepted": 2, "answered": 1, "dead": 1}
        assert world.said_by(world.ada) == [ENGLISH.crashed, "all is well"]


#: Without the calm, and with one that nobody waits for.
_AT_ONCE = "import bot.rooms.evidence as evidence\nevidence._CALM_S = evidence._CALM = 0.0"
_NEVER = "import bot.rooms.evidence as evidence\nevidence._CALM_S = 3600.0"


async def test_kills_from_outside(tmp_path: Path) -> None:
    """They hit a message four times while it runs alone, and once while nothing does: no poison."""
    async with open_world(tmp_path) as world:
        gate = Gate()
        world.model.script("the tea", hold(gate), times=6)
        for kill in range(7):
            idle = kill == 4
            async with serving_apart(world, fault=_NEVER if idle else _AT_ONCE) as server:
                if not kill:
                    await world.say("@Ada echo: the tea is cold")
                if idle:
                    waits = await server.logged("turn_suspected")
                    assert (waits["crashes"], waits["from_outside"]) == (2, 0)
                else:
                    await gate.reached(kill + (kill < 4))
                    if kill > 1:
                        await noted(world)
                server.signal(signal.SIGKILL)
                await server.ended()
        assert [alone for _, alone in attempts(world)] == [0, 0, 1, 1, 1, 1]
        # Of the last one, the next start says how long that was.
        assert all(seconds > 0 for seconds in lasted(world))
        assert lasted(world)
        async with serving_apart(world, fault=_AT_ONCE) as server:
            tried = await server.logged("turn_suspected")
            assert [tried[name] for name in ("crashes", "in_a_row", "from_outside")] == [4, 2, 1]
            assert await server.settled() == {"accepted": 1, "answered": 1}
        assert world.said_by(world.ada) == ["the tea is cold"]


async def test_a_stop_that_takes_too_long(tmp_path: Path) -> None:
    """Neither what is cut off nor what is killed while the server stops is suspected."""
    async with open_world(tmp_path) as world:
        gate = Gate()
        world.model.script("the tea", hold(gate), times=2)
        async with serving_apart(world, {"HEARTH_GRACE": "200ms"}) as server:
            await world.say("@Ada echo: the tea is cold")
            await gate.reached()
            server.signal(signal.SIGTERM)
            assert await server.ended() == 0
        async with serving_apart(world) as server:
            await gate.reached(2)
            server.signal(signal.SIGTERM)
            await server.logged("draining")
            server.signal(signal.SIGKILL)
            await server.ended()
        assert attempts(world) == [("cut_off", 0), ("cut_off", 0)]
        async with world.serving() as server:
            assert await server.settled() == {"accepted": 1, "answered": 1}
        assert world.said_by(world.ada) == ["the tea is cold"]
