"""A complete text is recorded before it is known why it ended, and leaves only then."""

import asyncio
import os
import signal
import sqlite3
from pathlib import Path

import pytest

from bot.language.english import ENGLISH
from bot.testing.campfire.records import Dialect
from bot.testing.model import AFTER_TEXT, Gate, drop, fail, hold, refuse
from tests import guards
from tests.e2e.process import serving_apart
from tests.e2e.watching import Log
from tests.e2e.world import PATIENCE_S, Running, World, open_world

#: Has a server in another process wait as long.
_PATIENT = "import bot.rooms.early\nbot.rooms.early.LASTS_S = 60.0\n"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a text wait for its end for as long as a test looks at that."""
    monkeypatch.setattr("bot.rooms.early.LASTS_S", 60.0)


def frozen(world: World) -> int:
    """Count the open messages whose reply is recorded."""
    with sqlite3.connect(f"file:{world.cache / 'journal.db'}?mode=ro", uri=True) as db:
        (count,) = db.execute(
            "SELECT count(*) FROM inbox WHERE state = 'open' AND verdict IS NOT NULL"
        ).fetchone()
    db.close()
    return int(count)


async def held(world: World) -> Gate:
    """Ask for the tea, and wait until all is said but why that was all."""
    gate = Gate()
    world.model.script("the tea", hold(gate, AFTER_TEXT), times=1)
    await world.say("@Ada say back: the tea")
    await gate.reached()
    async with asyncio.timeout(PATIENCE_S):
        while not await asyncio.to_thread(frozen, world):
            pass
    return gate


async def tea_is_served(world: World, server: Running) -> None:
    """See that the answer stands in the room once, and that the agent goes on from it."""
    assert await server.settled() == {"accepted": 1, "answered": 1}
    assert world.said_by(world.ada) == ["Kim: the tea"]
    assert await world.ask("@Ada echo: and milk") == "and milk"
    assert world.campfire.violations == ()


async def test_it_leaves_when_it_is_known(tmp_path: Path) -> None:
    """Until then the room sees nothing of it."""
    async with open_world(tmp_path) as world, world.serving() as server:
        gate = await held(world)
        assert world.said_by(world.ada) == []
        gate.release()
        await tea_is_served(world, server)


@pytest.mark.parametrize("dialect", Dialect)
async def test_the_server_is_killed_in_between(
    tmp_path: Path, dialect: Dialect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one says it, once, and the agent is not asked again."""
    monkeypatch.setattr("bot.rooms.lookup.POST_TIMEOUT_S", 2.0)
    async with open_world(tmp_path, dialect=dialect) as world:
        async with serving_apart(world, fault=_PATIENT) as server:
            gate = await held(world)
            server.signal(signal.SIGKILL)
            await server.ended()
            gate.release()
        async with world.serving() as running:
            await running.settled()
            assert len(world.model.requests) == 1
            await tea_is_served(world, running)


async def test_its_child_is_killed_in_between(tmp_path: Path, log: Log) -> None:
    """It is asked again; the answer that comes then is said, once."""
    async with open_world(tmp_path) as world, world.serving() as server:
        gate = await held(world)
        for child in guards.children():
            os.kill(child, signal.SIGKILL)
        await log.until("reply_taken_back")
        gate.release()
        await tea_is_served(world, server)
        assert len(log.find("turn_retried")) == 1


#: How an answer goes on after a text that looked complete, and what the child does then.
SEQUELS = {
    # It asks once more for the same.
    "the connection breaks": (drop(AFTER_TEXT), 2),
    # It asks the model to go on where it was cut off, and shows both texts.
    "an error comes": (fail(529, after_tokens=AFTER_TEXT), 2),
    "it is refused": (refuse("Kim: the tea"), 2),
}


@pytest.mark.parametrize("sequel", SEQUELS)
async def test_it_goes_on(tmp_path: Path, log: Log, sequel: str) -> None:
    """The room gets the whole answer, in one message, and nothing twice."""
    behaviour, requests = SEQUELS[sequel]
    async with open_world(tmp_path) as world, world.serving() as server:
        world.model.script("the tea", behaviour, times=1)
        answer = await world.ask("@Ada say back: the tea")
        assert await server.settled() == {"accepted": 1, "answered": 1}
        assert world.said_by(world.ada) == [answer]
        assert answer.count("Kim: the tea") == 1
        assert len(world.model.requests) == requests
        went_on = answer != "Kim: the tea"
        assert bool(log.find("reply_taken_back")) == went_on


async def test_it_was_too_long(tmp_path: Path, log: Log) -> None:
    """What the model may say at once is less than it would; it is heard in vain, as ever."""
    async with open_world(tmp_path) as world:
        world.write_bot("ada", "[agent]\nmax_output_tokens = 16\n")
        async with world.serving() as server:
            answer = await world.ask(f"@Ada echo: {'the tea is cold, ' * 10}")
            assert answer == ENGLISH.model_failed
            assert await server.settled() == {"accepted": 1, "told": 1}
            assert world.said_by(world.ada) == [answer]
            assert len(log.find("reply_taken_back")) == 1


async def test_stop_in_between(tmp_path: Path) -> None:
    """It is obeyed: nothing is said but that, and the next message is answered."""
    async with open_world(tmp_path, workers=2) as world, world.serving() as server:
        gate = await held(world)
        stop = await world.say("@Ada stop")
        assert await world.answer(stop) == ENGLISH.stopped_one
        gate.release()
        assert await world.ask("@Ada echo: and milk") == "and milk"
        assert world.said_by(world.ada) == [ENGLISH.stopped_one, "and milk"]
        assert await server.settled() == {"accepted": 3, "answered": 2, "stopped": 1}


async def test_what_was_stopped_in_between_was_never_answered(tmp_path: Path, log: Log) -> None:
    """The next server does not look for its answer in what the agent remembers, in vain."""
    async with open_world(tmp_path, workers=2) as world:
        async with world.serving() as server:
            await world.ask("@Ada my name is Kim")
            gate = await held(world)
            await world.answer(await world.say("@Ada stop"))
            gate.release()
            await server.settled()
        async with world.serving():
            assert "Kim" in await world.ask("@Ada what is my name?")
        assert not log.find("session_recapped")


async def test_new_in_between(tmp_path: Path, log: Log) -> None:
    """What was asked before it is answered in the old session, even when that has to be twice."""
    async with open_world(tmp_path, workers=2) as world, world.serving() as server:
        await world.ask("@Ada my name is Kim")
        gate = await held(world)
        await world.say("@Ada new")
        await world.campfire.delivered()
        for child in guards.children():
            os.kill(child, signal.SIGKILL)
        await log.until("reply_taken_back")
        gate.release()
        await server.settled()
        said = world.said_by(world.ada)
        assert said.count("Kim: the tea") == 1
        assert "not" in await world.ask("@Ada what is my name?")
        assert len(log.find("session_renewed")) == 1
        *_, tea, _name = world.model.requests
        assert "the tea" in tea.last_text
        assert any("my name is Kim" in turn for turn in tea.turns)


async def test_it_takes_long_to_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was decided with the reply would be of long ago: it is frozen anew when it is known."""
    monkeypatch.setattr("bot.rooms.early.LASTS_S", 0.2)
    async with open_world(tmp_path) as world, world.serving() as server:
        gate = await held(world)
        async with asyncio.timeout(PATIENCE_S):
            while await asyncio.to_thread(frozen, world):
                pass
        gate.release()
        await tea_is_served(world, server)


@pytest.mark.parametrize("mode", ["steer", "interrupt"])
async def test_somebody_goes_on_in_between(tmp_path: Path, mode: str) -> None:
    """Whatever that does to the turn: both are answered, in order, and nothing is said twice."""
    async with open_world(tmp_path, workers=2) as world:
        world.write_bot("ada", f'[turn]\nwhen_busy = "{mode}"\n')
        async with world.serving() as server:
            gate = await held(world)
            await world.say("@Ada say back: the milk")
            await world.campfire.delivered()
            gate.release()
            assert await server.settled() == {"accepted": 2, "answered": 2}
            said = "\n".join(world.said_by(world.ada))
            assert said.count("Kim: the tea") == said.count("Kim: the milk") == 1
            assert said.index("the tea") < said.index("the milk")
