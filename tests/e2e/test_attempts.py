"""An attempt is known before it is made: a crash never makes the agent see a question twice."""

import signal
from collections.abc import Iterable
from pathlib import Path

import pytest

from bot.testing.model import Gate, Request, hold
from tests.e2e.process import all_gone, serving_apart
from tests.e2e.world import World, open_world

#: Faults: the process ends like on a power cut, just before it would do this.
_AT_ASK = """
import os
from bot.agent.conversation import Conversation
async def ask(self, *args, **kwargs): os.kill(os.getpid(), 9)
Conversation.ask = ask
"""
# The cost is counted once the child has written its answer down.
_AT_FREEZE = """
import asyncio, os
from bot.journal.journal import Journal
from bot.sessions.session import Session
written, spent = asyncio.Event(), Session.spent
def note(self, counted_usd):
    written.set()
    return spent(self, counted_usd)
async def freeze(self, *args, **kwargs):
    await written.wait()
    os.kill(os.getpid(), 9)
Session.spent, Journal.freeze = note, freeze
"""
_AT_POST = """
import os
from bot.platforms.campfire.campfire import Campfire
async def post(self, **kwargs): os.kill(os.getpid(), 9)
Campfire.post = post
"""


def count(requests: Iterable[Request], question: str) -> list[int]:
    """Return how often each request holds a question."""
    return [sum(question in turn for turn in request.turns) for request in requests]


async def crash(world: World, text: str, fault: str) -> None:
    """Serve until what Kim says makes the server end."""
    async with serving_apart(world, fault=fault) as server:
        await world.say(text)
        assert await server.ended() == -signal.SIGKILL


@pytest.mark.parametrize("introduced", [False, True])
async def test_a_server_killed_in_a_turn(tmp_path: Path, introduced: bool) -> None:  # noqa: FBT001 - a case
    """After the restart the message is answered once, in the same session, and asked once."""
    async with open_world(tmp_path) as world:
        gate = Gate()
        world.model.script("the tea", hold(gate, after_tokens=1), times=1)
        async with serving_apart(world) as server:
            if introduced:
                await world.ask("@Ada my name is Kim")
            said = await world.say("@Ada echo: the tea is cold")
            await gate.reached()
            await world.written("the tea")
            (before,) = (await server.get("/session/stats"))["sessions"]
            children = server.children()
            server.signal(signal.SIGKILL)
            await server.ended()
            assert children
            assert all_gone(children)
        async with world.serving() as restarted:
            assert await world.answer(said) == "the tea is cold"
            expected = 2 if introduced else 1
            assert await restarted.settled() == {"accepted": expected, "answered": expected}
            (after,) = (await restarted.get("/session/stats"))["sessions"]
            assert after["session_id"] == before["session_id"]
            assert after["last_path"] == ("warm" if introduced else "cold")
            assert f"{expected + 1} turns" in await world.ask("@Ada count the turns")
        assert world.said_by(world.ada).count("the tea is cold") == 1
        assert set(count(world.model.requests, "the tea")) <= {0, 1}
        assert [path.stem for path in world.transcripts()] == [before["session_id"]]


async def test_a_prompt_that_never_left_is_asked(tmp_path: Path) -> None:
    """The attempt was journaled and the server ended: the agent has not seen the question."""
    async with open_world(tmp_path) as world:
        await crash(world, "@Ada echo: the tea is cold", _AT_ASK)
        assert world.model.requests == ()
        async with world.serving() as server:
            assert await server.settled() == {"accepted": 1, "answered": 1}
        assert world.said_by(world.ada) == ["the tea is cold"]
        assert count(world.model.requests, "the tea") == [1]


async def test_an_answer_that_was_not_recorded_is_found(tmp_path: Path) -> None:
    """The agent had answered and the server ended: its answer is posted, nobody asks again."""
    async with open_world(tmp_path) as world:
        await crash(world, "@Ada echo: the tea is cold", _AT_FREEZE)
        assert world.said_by(world.ada) == []
        async with world.serving() as server:
            assert await server.settled() == {"accepted": 1, "answered": 1}
            assert world.said_by(world.ada) == ["the tea is cold"]
            assert "2 turns" in await world.ask("@Ada count the turns")
        assert count(world.model.requests, "the tea") == [1, 1]


async def test_a_frozen_answer_is_posted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer was recorded and the server ended: it is posted as it was frozen."""
    monkeypatch.setattr("bot.rooms.lookup.POST_TIMEOUT_S", 0.0)  # it never left
    async with open_world(tmp_path) as world:
        await crash(world, "@Ada echo: the tea is cold", _AT_POST)
        async with world.serving() as server:
            assert await server.settled() == {"accepted": 1, "answered": 1}
        assert world.said_by(world.ada) == ["the tea is cold"]
        assert len(world.model.requests) == 1


async def test_a_server_that_ends_twice_in_a_turn(tmp_path: Path) -> None:
    """However often it ends, the agent's memory holds the question once."""
    async with open_world(tmp_path) as world:
        gate = Gate()
        world.model.script("the tea", hold(gate), times=2)
        async with serving_apart(world) as server:
            await world.ask("@Ada my name is Kim")
            await world.say("@Ada echo: the tea is cold")
            await gate.reached(1)
            await world.written("the tea", times=1)
            server.signal(signal.SIGKILL)
            await server.ended()
        async with serving_apart(world) as server:
            await gate.reached(2)
            await world.written("the tea", times=2)
            server.signal(signal.SIGKILL)
            await server.ended()
        async with world.serving() as restarted:
            assert await restarted.settled() == {"accepted": 2, "answered": 2}
        assert count(world.model.requests, "the tea") == [0, 1, 1, 1]
        assert world.said_by(world.ada).count("the tea is cold") == 1
