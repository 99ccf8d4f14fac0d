"""Long conversations are summed up while nobody waits, and nothing of them is lost."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.sessions import compacting
from bot.testing.gate import Gate
from bot.testing.model import Request, fail, hold, say
from tests import guards
from tests.e2e.process import serving_apart
from tests.e2e.world import Running, World, open_world

SHORT = "[session]\nmax_context_tokens = 10000\n"
#: More tokens than that.
LONG = "@Ada remember: the tea is cold " + "and so on " * 4_500
RECALL = "@Ada what did I ask you to remember?"


def shorten(world: World) -> None:
    """Let Ada's conversations be short ones, and her answer to a long message."""
    world.write_bot("ada", SHORT)
    world.model.script("and so on", say("Noted."))


def is_summary(request: Request) -> bool:
    """Whether the child asks for a summary."""
    return "detailed summary of the conversation" in request.last_text


def summaries(world: World) -> int:
    """Count the summaries that the model was asked for."""
    return sum(map(is_summary, world.model.requests))


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sum up as soon as the room is quiet."""
    monkeypatch.setattr(compacting, "QUIET_S", 0.0)


async def compacted(server: Running, times: int = 1) -> dict[str, Any]:
    """Wait until that many conversations were summed up, and are open again."""
    return await server.until(
        "/session/stats", lambda page: page["compactions"] == times and page["hot"] == 1
    )


@pytest.mark.usefixtures("at_once")
async def test_a_long_conversation_is_summed_up(tmp_path: Path) -> None:
    """The next turn is short, hot, in the same session, and knows what was said before."""
    async with open_world(tmp_path) as world:
        shorten(world)
        async with world.serving() as server:
            with capture_logs() as logs:
                await world.ask(LONG)
                page = await compacted(server)
            (said,) = [line for line in logs if line["event"] == "session_compacted"]
            assert said["tokens_before"] > 10_000 > said["tokens_after"]
            before = page["sessions"][0]
            assert "tea is cold" in await world.ask(RECALL)
            after = (await server.get("/session/stats"))["sessions"][0]
            assert (after["session_id"], after["last_path"]) == (before["session_id"], "warm")
            assert after["cost_usd"] > before["cost_usd"] > 0
            assert summaries(world) == 1
            assert len(world.transcripts()) == 1
        assert world.model.refusals == ()


async def test_a_short_conversation_is_left_alone(tmp_path: Path) -> None:
    """Below the limit nobody pays for a summary."""
    async with open_world(tmp_path) as world, world.serving() as server:
        world.model.script("and so on", say("Noted."))
        await world.ask(LONG)
        await world.ask("@Ada hello")
        assert (await server.get("/session/stats"))["compactions"] == 0
        assert summaries(world) == 0


async def test_somebody_who_asks_soon_finds_the_child(tmp_path: Path) -> None:
    """Only a room that has been quiet for a while is summed up."""
    async with open_world(tmp_path) as world:
        shorten(world)
        async with world.serving() as server:
            await world.ask(LONG)
            child = guards.children()
            assert "tea" in await world.ask(RECALL)
            assert guards.children() == child
            assert (await server.get("/session/stats"))["hits"] == {"cold": 1, "hot": 1}
            assert summaries(world) == 0


@pytest.mark.usefixtures("at_once")
async def test_nobody_waits_for_a_summary(tmp_path: Path) -> None:
    """A question drops it, is answered from the whole conversation, and a later try succeeds."""
    async with open_world(tmp_path) as world:
        shorten(world)
        gate = Gate()
        world.model.script(is_summary, hold(gate), times=1)
        async with world.serving() as server:
            await world.ask(LONG)
            await gate.reached()
            assert "tea" in await world.ask(RECALL)
            assert len(world.model.requests[-1].turns) >= 2
            assert "/compact" not in json.dumps(world.model.requests[-1].body)
            await world.ask(LONG)
            await compacted(server)
            assert "tea" in await world.ask(RECALL)


@pytest.mark.usefixtures("at_once")
async def test_a_summary_that_fails(tmp_path: Path) -> None:
    """The conversation goes on as it was, and no turn is spent on it."""
    async with open_world(tmp_path) as world:
        shorten(world)
        world.model.script(is_summary, fail(400))
        async with world.serving() as server:
            with capture_logs() as logs:
                await world.ask(LONG)
                await server.until("/session/stats", lambda _: bool(summaries(world)))
                assert "tea" in await world.ask(RECALL)
            assert "session_compacted" not in {line["event"] for line in logs}
            assert (await server.get("/session/stats"))["compactions"] == 0
            assert await server.settled() == {"accepted": 2, "answered": 2}


@pytest.mark.parametrize("after", ["asking", "boundary"])
async def test_a_server_that_dies_over_a_summary(tmp_path: Path, after: str) -> None:
    """Whether nothing of it was written, or a boundary without a summary: all is still known."""
    async with open_world(tmp_path) as world:
        shorten(world)
        gate = Gate()
        if after == "asking":
            world.model.script(is_summary, hold(gate))
        fault = "from bot.sessions import compacting\ncompacting.QUIET_S = 0.0"
        async with serving_apart(world, fault=fault) as server:
            await world.ask(LONG)
            if after == "asking":
                await gate.reached()
            else:
                await compacted(server)
            os.kill(server.pid, signal.SIGKILL)
            await server.ended()
        world.model.forget_scripts()
        if after == "boundary":
            tear(world.transcripts()[0])
        async with world.serving() as next_server:
            assert "tea is cold" in await world.ask(RECALL)
            page = await next_server.get("/session/stats")
            assert (page["hits"], page["lost"]) == ({"warm": 1}, 0)
        assert world.model.refusals == ()


def tear(transcript: Path) -> None:
    """Leave the boundary of a summary, and nothing that came after it."""
    lines = transcript.read_text().splitlines(keepends=True)
    (at,) = [n for n, line in enumerate(lines) if '"subtype":"compact_boundary"' in line]
    transcript.write_text("".join(lines[: at + 1]))


@pytest.mark.usefixtures("at_once")
async def test_a_crash_in_a_turn_after_a_summary(tmp_path: Path) -> None:
    """The question is asked once more of the summed-up session, which has not heard it yet."""
    async with open_world(tmp_path) as world:
        shorten(world)
        async with world.serving() as server:
            await world.ask(LONG)
            await compacted(server)
            gate = Gate()
            world.model.script("count the turns", hold(gate), times=1)
            asked = await world.say("@Ada count the turns")
            await gate.reached()
            for child in guards.children():
                os.kill(child, signal.SIGKILL)
            answer = await world.answer(asked)
            prompts = world.model.requests[-1].turns
            assert sum("count the turns" in prompt for prompt in prompts) == 1, prompts
            assert "cold" in prompts[0]
            assert answer == f"I count {len(prompts)} turns."
            assert await server.settled() == {"accepted": 2, "answered": 2}


@pytest.mark.usefixtures("at_once")
async def test_room_text_is_no_command_to_that_child(tmp_path: Path) -> None:
    """What stands in the conversation is not acted on while it is summed up."""
    async with open_world(tmp_path) as world:
        shorten(world)
        async with world.serving() as server:
            await world.say("/clear", room=world.direct, mention=())
            long = LONG.removeprefix("@Ada ") + " @/etc/passwd"
            await world.answer(await world.say(long, room=world.direct, mention=()))
            await compacted(server)
            assert not any("root:" in str(request.body) for request in world.model.requests)
            said = await world.say(RECALL, room=world.direct, mention=())
            assert "tea" in await world.answer(said)
