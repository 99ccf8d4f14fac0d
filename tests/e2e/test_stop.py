"""`stop`: heard at once in whatever state, and what was stopped stays so."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from claude_agent_sdk import ClaudeSDKClient, tool

from bot.language.english import ENGLISH
from bot.testing.model import Gate, call_tool, hold
from tests.e2e.watching import Log
from tests.e2e.world import Running, World, open_world

#: Where the slow tool of a test waits.
_tea_room = Gate()


@tool("brew", "Brew tea.", {})
async def brew(_arguments: dict[str, Any]) -> dict[str, Any]:
    """Take as long as the test wants."""
    await _tea_room()
    return {"content": [{"type": "text", "text": "done"}]}


@asynccontextmanager
async def a_world(folder: Path, more: str = "") -> AsyncIterator[tuple[World, Running]]:
    """Open a world in which Ada knows how to brew, and serve it."""
    async with open_world(folder, workers=2) as world:
        world.write_bot("ada", f'{more}[agent]\ntools_from = ["{__name__}:brew"]\n')
        async with world.serving() as server:
            yield world, server


async def _held_before_the_first_token(world: World, gate: Gate) -> None:
    world.model.script("the tea", hold(gate))


async def _held_while_it_streams(world: World, gate: Gate) -> None:
    world.model.script("the tea", hold(gate, after_tokens=2))


HELD = {
    "before the first token": _held_before_the_first_token,
    "streaming": _held_while_it_streams,
}


async def stopped(world: World, log: Log) -> None:
    """Let Kim say stop; wait until that is said, and the turn over."""
    stop = await world.say("@Ada stop")
    assert await world.answer(stop) == ENGLISH.stopped_one
    await log.until("turn", outcome="stopped")


async def goes_on(world: World, server: Running, *, accepted: int) -> None:
    """See that the next message is answered, by the same child, and that nothing is forgotten."""
    assert await world.ask("@Ada echo: and milk") == "and milk"
    tally = await server.settled()
    assert tally == {"accepted": accepted, "answered": accepted - 1, "stopped": 1}
    (session,) = (await server.get("/session/stats"))["sessions"]
    assert (session["state"], session["boots"]) == ("hot", 1)
    assert world.campfire.violations == ()


@pytest.mark.parametrize("state", HELD)
async def test_while_the_model_speaks(tmp_path: Path, log: Log, state: str) -> None:
    """Nothing of the answer is said, then or later; the conversation stays open."""
    async with a_world(tmp_path) as (world, server):
        gate = Gate()
        await HELD[state](world, gate)
        await world.say("@Ada echo: the tea is cold")
        await gate.reached()
        await stopped(world, log)
        gate.release()
        await goes_on(world, server, accepted=3)
        assert world.said_by(world.ada) == [ENGLISH.stopped_one, "and milk"]


async def test_in_a_tool_call(tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tool's result comes to nothing."""
    gate = Gate()
    monkeypatch.setattr(f"{__name__}._tea_room", gate)
    async with a_world(tmp_path) as (world, server):
        world.model.script("the tea", call_tool("mcp__hearth__brew"), times=1)
        await world.say("@Ada brew the tea")
        await gate.reached()
        await stopped(world, log)
        gate.release()
        await goes_on(world, server, accepted=3)
        assert world.said_by(world.ada) == [ENGLISH.stopped_one, "and milk"]


async def test_during_the_boot(tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child that was opened early goes on booting, and serves the next message."""
    gate, connect = Gate(), ClaudeSDKClient.connect

    async def slow(self: ClaudeSDKClient, *_: object) -> None:
        await gate()
        await connect(self)

    monkeypatch.setattr(ClaudeSDKClient, "connect", slow)
    async with a_world(tmp_path) as (world, server):
        await world.say("@Ada echo: the tea is cold")
        await gate.reached()
        await server.until("/queue/stats", lambda page: page["running"] == 1)
        await stopped(world, log)
        gate.release()
        await goes_on(world, server, accepted=3)
        assert world.said_by(world.ada) == [ENGLISH.stopped_one, "and milk"]
        assert len(world.model.requests) == 1


async def test_what_waits_is_stopped(tmp_path: Path, log: Log) -> None:
    """Kim's two wait behind Lee's: hers never run, his goes on."""
    async with a_world(tmp_path) as (world, server):
        gate = Gate()
        world.model.script("the milk", hold(gate), times=1)
        of_lee = await world.say("@Ada echo: the milk is sour", person=world.lee)
        await gate.reached()
        for number in (1, 2):
            await world.say(f"@Ada echo: the tea is cold {number}")
        await world.campfire.delivered()
        stop = await world.say("@Ada Stop!")
        assert "2 messages" in await world.answer(stop)
        gate.release()
        await world.campfire.answer_to(of_lee, containing="sour")
        assert await world.ask("@Ada echo: and milk") == "and milk"
        assert await server.settled() == {"accepted": 5, "answered": 3, "stopped": 2}
        assert world.said_by(world.ada)[1:] == ["@Lee the milk is sour", "and milk"]
        assert len(world.model.requests) == 2
        assert not log.find("turn", outcome="stopped")


class _FirstPost:
    """Holds the first post at a gate, and no other."""

    def __init__(self) -> None:
        self.gate = Gate()
        self._first = True

    async def __call__(self) -> None:
        first, self._first = self._first, False
        if first:
            await self.gate()


async def test_while_it_is_posted(tmp_path: Path, log: Log) -> None:
    """The part that is on its way arrives; the others are never sent."""
    async with a_world(tmp_path) as (world, server):
        first = _FirstPost()
        world.campfire.slow_posts(first)
        await world.say("@Ada give me a long answer about the tea")
        await first.gate.reached()
        stop = await world.say("@Ada stop")
        assert await world.answer(stop) == ENGLISH.stopped_one
        first.gate.release()
        await log.until("turn", outcome="stopped")
        await goes_on(world, server, accepted=3)
        said = world.said_by(world.ada)
        assert len(said) == 3
        assert said[0] == ENGLISH.stopped_one
        assert "paragraph 1 of" in said[1]
        assert said[2] == "and milk"


async def test_while_a_part_waits_for_its_next_try(tmp_path: Path, log: Log) -> None:
    """It is not tried again, and nobody waits for the end of the pause."""
    async with a_world(tmp_path) as (world, server):
        world.campfire.fail_posts(429, headers={"Retry-After": "3000"})
        await world.say("@Ada echo: the tea is cold")
        await log.until("post_failed")
        await stopped(world, log)
        await goes_on(world, server, accepted=3)
        assert world.said_by(world.ada) == [ENGLISH.stopped_one, "and milk"]


async def test_there_is_nothing_to_stop(tmp_path: Path) -> None:
    """Then that is said, and no child is started for it."""
    async with a_world(tmp_path) as (world, server):
        assert await world.ask("@Ada stop") == ENGLISH.nothing_to_stop
        assert await server.settled() == {"accepted": 1, "answered": 1}
        assert (await server.get("/session/stats"))["sessions"] == []
