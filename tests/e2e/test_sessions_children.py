"""A child that is killed costs its room one retry at most, and no memory."""

import os
import signal
from pathlib import Path

import pytest
from claude_agent_sdk import Message
from structlog.testing import capture_logs

from bot.agent.prompts import Prompts
from bot.agent.reply import Asking
from bot.testing.model import Gate, hold
from tests import guards
from tests.e2e.watching import Log
from tests.e2e.world import open_world


def kill_the_child() -> None:
    """End the one child there is, as the kernel does when memory is short."""
    (child,) = guards.children()
    os.kill(child, signal.SIGKILL)


async def test_a_child_killed_while_idle(tmp_path: Path) -> None:
    """The next message is answered from the resumed session."""
    async with open_world(tmp_path) as world, world.serving() as server:
        await world.ask("@Ada my name is Kim")
        # What a turn cost is known once the child has written it down.
        await server.until("/session/stats", lambda page: page["sessions"][0]["cost_usd"] > 0)
        kill_the_child()
        with capture_logs() as logs:
            assert "Kim" in await world.ask("@Ada what is my name?")
        assert [line["event"] for line in logs].count("turn_retried") <= 1
        stats = await server.get("/session/stats")
        assert (stats["died"], stats["sessions"][0]["last_path"]) == (1, "warm")
        assert await server.settled() == {"accepted": 2, "answered": 2}
        assert len(world.model.requests) == 2


async def test_a_child_killed_before_it_writes_its_answer_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the room has heard the agent is told of with the next message, once."""
    hear = Prompts.hear

    def die_of_it(self: Prompts, message: Message) -> Asking | None:
        asking, ended = self.current, hear(self, message)
        if asking is not None and asking.heard.is_set() and not asking.finished.is_set():
            kill_the_child()
        return ended

    async with open_world(tmp_path) as world, world.serving() as server:
        await world.ask("@Ada count the turns")
        with monkeypatch.context() as patch:
            patch.setattr(Prompts, "hear", die_of_it)
            assert "Kim" in await world.ask("@Ada my name is Kim")
        assert "Your name is Kim" in await world.ask("@Ada what is my name?")
        prompt = world.model.requests[-1].last_text
        assert prompt.count("my name is Kim") == 1
        assert prompt.index("my name is Kim") < prompt.index("</recap>")
        await world.ask("@Ada and again: what is my name?")
        asked = "".join(world.model.requests[-1].turns)
        assert (asked.count("my name is Kim"), asked.count("<recap>")) == (1, 1)
        stats = await server.get("/session/stats")
        assert (stats["died"], stats["lost"]) == (1, 0)
        assert await server.settled() == {"accepted": 4, "answered": 4}


@pytest.mark.parametrize("after_tokens", [None, 2])
async def test_a_child_killed_in_a_turn(tmp_path: Path, after_tokens: int | None) -> None:
    """The question is asked once more, and the agent does not see it twice."""
    async with open_world(tmp_path) as world, world.serving() as server:
        await world.ask("@Ada my name is Kim")
        gate = Gate()
        world.model.script("what is my name", hold(gate, after_tokens), times=1)
        said = await world.say("@Ada what is my name?")
        await gate.reached()
        await world.written("what is my name")
        kill_the_child()
        assert "Kim" in await world.answer(said)
        assert len(world.model.requests) == 3
        turns = world.model.requests[-1].turns
        assert [("what is my name" in turn, "my name is Kim" in turn) for turn in turns] == [
            (False, True),
            (True, False),
        ]
        assert len(world.said_by(world.ada)) == 2
        assert await server.settled() == {"accepted": 2, "answered": 2}


async def test_a_child_killed_in_its_first_turn(tmp_path: Path) -> None:
    """There is nothing to resume: the session begins again under its own id."""
    async with open_world(tmp_path) as world, world.serving() as server:
        gate = Gate()
        world.model.script("my name is Kim", hold(gate), times=1)
        said = await world.say("@Ada my name is Kim")
        await gate.reached()
        first = (await server.get("/session/stats"))["sessions"][0]["session_id"]
        kill_the_child()
        await world.answer(said)
        assert "2 turns" in await world.ask("@Ada count the turns")
        stats = await server.get("/session/stats")
        assert (stats["sessions"][0]["session_id"], stats["lost"]) == (first, 0)


async def test_a_child_killed_twice_is_given_up(tmp_path: Path, log: Log) -> None:
    """The room is told in one sentence, the operator too; the next is answered from memory."""
    async with open_world(tmp_path) as world, world.serving() as server:
        await world.ask("@Ada my name is Kim")
        gate = Gate()
        world.model.script("dangerous", hold(gate), times=2)
        said = await world.say("@Ada something dangerous")
        for times in (1, 2):
            await gate.reached(times)
            kill_the_child()
        assert "broke off twice" in await world.answer(said)
        assert "Kim" in await world.ask("@Ada what is my name?")
        assert len(world.said_by(world.ada)) == 3
        (line,) = log.find("turn_failed", level="error", bot="ada")
        assert line["why"].startswith("ConversationDied: ")
        assert await server.settled() == {"accepted": 3, "answered": 2, "told": 1}
