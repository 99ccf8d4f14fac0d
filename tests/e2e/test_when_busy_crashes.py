"""kill -9 while several messages share a turn, or one has ended another's: each answered once."""

import signal
from pathlib import Path

import pytest

from bot.testing.model import Gate, hold
from tests.e2e.process import serving_apart
from tests.e2e.test_when_busy import prompts, say, when_busy
from tests.e2e.world import World, open_world

_KILL = "from tests.e2e.killing import kill\n"
_JOURNAL = "bot.journal.journal:Journal"

#: Where the server ends in the second turn, which two messages share.
POINTS = {
    "before its attempt": ("before", f"{_JOURNAL}.start_attempt", 2),
    "after its attempt, before the prompt": ("after", f"{_JOURNAL}.start_attempt", 2),
    "after the child answered": ("before", f"{_JOURNAL}.freeze", 2),
    "after that is recorded": ("after", f"{_JOURNAL}.freeze", 2),
    "after the post": ("before", f"{_JOURNAL}.settle", 2),
}


def times_asked(world: World, what: str) -> set[int]:
    """Return how often the requests to the model hold a question."""
    turns = (request.turns for request in world.model.requests)
    return {sum(f"say back: {what}" in turn for turn in each) for each in turns} - {0}


def answers(world: World, what: str) -> int:
    """Count the answers to a question."""
    return sum(what in said for said in world.said_by(world.ada))


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a doubt last 2 s in this process, where servers are started again, instead of 20."""
    monkeypatch.setattr("bot.rooms.lookup.POST_TIMEOUT_S", 2.0)


@pytest.mark.parametrize("point", POINTS)
async def test_a_collected_turn(tmp_path: Path, point: str) -> None:
    """The same messages are asked together again, or their one answer is found: never two."""
    when, target, call = POINTS[point]
    async with open_world(tmp_path) as world:
        when_busy(world, "collect")
        gate = Gate()
        world.model.script("the tea", hold(gate), times=1)
        fault = f"{_KILL}kill({when!r}, {target!r}, {call})"
        async with serving_apart(world, fault=fault) as server:
            await say(world, "the tea")
            await gate.reached()
            await say(world, "the milk", world.lee)
            await say(world, "the sugar")
            await world.campfire.delivered()
            gate.release()
            assert await server.ended() == -signal.SIGKILL
        async with world.serving() as restarted:
            assert await restarted.settled() == {"accepted": 3, "answered": 3}
            await world.ask("@Ada and now?")
        assert [
            answers(world, what) for what in ("the tea", "Lee: the milk", "Kim: the sugar")
        ] == [1] * 3
        assert times_asked(world, "the milk") == {1}
        together = [prompt for prompt in prompts(world) if "Lee: say back: the milk" in prompt]
        assert all("Kim: say back: the sugar" in prompt for prompt in together)


async def test_in_the_middle_of_a_collected_turn(tmp_path: Path) -> None:
    """What came after it began is not put into it when it is asked again."""
    async with open_world(tmp_path) as world:
        when_busy(world, "collect")
        first, second = Gate(), Gate()
        world.model.script("the sugar", hold(second, after_tokens=1), times=1)
        world.model.script("the tea", hold(first), times=1)
        async with serving_apart(world) as server:
            await say(world, "the tea")
            await first.reached()
            await say(world, "the milk", world.lee)
            await say(world, "the sugar")
            await world.campfire.delivered()
            first.release()
            await second.reached()
            await world.written("the sugar")
            await say(world, "the bread", world.lee)
            await world.campfire.delivered()
            server.signal(signal.SIGKILL)
            await server.ended()
        async with world.serving() as restarted:
            assert await restarted.settled() == {"accepted": 4, "answered": 4}
        together = ["Lee: say back: the milk", "Kim: say back: the sugar"]
        assert prompts(world)[1:] == [together, together, ["Lee: say back: the bread"]]
        assert len(world.said_by(world.ada)) == 3


#: Where the server ends while Kim's second message ends the turn of the first.
INTERRUPTED = {
    "when the child is told": ("before", f"{_JOURNAL}.end_attempt", 1),
    "when that is recorded": ("after", f"{_JOURNAL}.end_attempt", 1),
    "when both are about to be asked": ("after", f"{_JOURNAL}.start_attempt", 2),
    "when both are answered": ("before", f"{_JOURNAL}.freeze", 1),
    "when the answer is in the room": ("before", f"{_JOURNAL}.settle", 1),
}


@pytest.mark.parametrize("point", INTERRUPTED)
async def test_an_interrupted_turn(tmp_path: Path, point: str) -> None:
    """Both messages are answered, once each; the agent sees neither twice."""
    when, target, call = INTERRUPTED[point]
    async with open_world(tmp_path) as world:
        when_busy(world, "interrupt")
        gate = Gate()
        world.model.script("the tea", hold(gate, after_tokens=1), times=1)
        fault = f"{_KILL}kill({when!r}, {target!r}, {call})"
        async with serving_apart(world, fault=fault) as server:
            await say(world, "the tea")
            await gate.reached()
            await world.written("the tea")
            await say(world, "the milk")
            assert await server.ended() == -signal.SIGKILL
        async with world.serving() as restarted:
            assert await restarted.settled() == {"accepted": 2, "answered": 2}
            await world.ask("@Ada and now?")
        assert [answers(world, what) for what in ("the tea", "the milk")] == [1, 1]
        assert times_asked(world, "the tea") == {1}


@pytest.mark.parametrize("call", [1, 2])
async def test_what_the_child_made_one_prompt_of(tmp_path: Path, call: int) -> None:
    """Its transcript names one of the two additions: the other is not asked again."""
    async with open_world(tmp_path) as world:
        when_busy(world, "steer")
        gate = Gate()
        world.model.script("the tea", hold(gate, after_tokens=1), times=1)
        fault = f"{_KILL}kill('before', '{_JOURNAL}.freeze', {call})"
        async with serving_apart(world, fault=fault) as server:
            await say(world, "the tea")
            await gate.reached()
            for by, what in ((2, "the milk"), (3, "the sugar")):
                await say(world, what)
                await server.logged("turn_steered", lambda line, by=by: line["by"] == by)
            gate.release()
            assert await server.ended() == -signal.SIGKILL
        async with world.serving() as restarted:
            assert await restarted.settled() == {"accepted": 3, "answered": 3}
            await world.ask("@Ada and now?")
        assert [answers(world, what) for what in ("the tea", "the milk", "the sugar")] == [1] * 3
        assert times_asked(world, "the sugar") == {1}
        assert times_asked(world, "the milk") == {1}
        assert call == 1 or len(world.said_by(world.ada)) == 3
