"""Messages that come while a turn runs: collected, added to it, taken for an end to it, refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from claude_agent_sdk import tool

from bot.language.english import ENGLISH
from bot.testing.campfire.records import PersonAccount
from bot.testing.model import Gate, call_tool, hold
from bot.testing.model.request import utterances
from tests.e2e.watching import Log
from tests.e2e.world import World, open_world

#: Where the tool of these tests waits.
_gates: list[Gate] = []


@tool("brew", "Brew something.", {})
async def brew(_arguments: dict[str, Any]) -> dict[str, Any]:
    """Take as long as the test wants."""
    await _gates[-1]()
    return {"content": [{"type": "text", "text": "It is brewed."}]}


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Give a gate, at which the tool waits as well."""
    _gates.append(Gate())
    yield _gates[-1]
    _gates.clear()


def when_busy(world: World, mode: str, more: str = "") -> None:
    """Say in Ada's file what she does with messages that come while she is busy."""
    world.write_bot("ada", f'[turn]\nwhen_busy = "{mode}"\n{more}')


def prompts(world: World) -> list[list[str]]:
    """Return what each prompt asked, and for whom."""
    return [
        [f"{said.speaker}: {said.text}" for said in utterances(request.last_text)]
        for request in world.model.requests
    ]


async def say(world: World, what: str, person: PersonAccount | None = None) -> None:
    """Say something, of which every answer will tell whose it was."""
    await world.say(f"@Ada say back: {what}", person=person)


async def test_what_waits_is_collected(tmp_path: Path, gate: Gate) -> None:
    """All that waits behind a running turn is one prompt, in which each is named; one answer."""
    async with open_world(tmp_path) as world:
        when_busy(world, "collect")
        async with world.serving() as server:
            world.model.script("the tea", hold(gate), times=1)
            await say(world, "the tea")
            await gate.reached()
            await say(world, "the milk", world.lee)
            await say(world, "the sugar")
            await say(world, "the bread", world.lee)
            await world.campfire.delivered()
            gate.release()
            assert await server.settled() == {"accepted": 4, "answered": 4}
        together = ["Lee: say back: the milk", "Kim: say back: the sugar"]
        assert prompts(world) == [
            ["Kim: say back: the tea"],
            [*together, "Lee: say back: the bread"],
        ]
        first, second = world.said_by(world.ada)
        assert "Kim: the tea" in first
        assert second.startswith("@Lee @Kim")
        answers = ("Lee: the milk", "Kim: the sugar", "Lee: the bread")
        places = [second.index(one) for one in answers]
        assert places == sorted(places)


async def test_persons_sessions_are_not_collected_together(tmp_path: Path, gate: Gate) -> None:
    """With `scope = "user"` Lee's messages are one prompt, Kim's another."""
    async with open_world(tmp_path) as world:
        when_busy(world, "collect", '[session]\nscope = "user"\n')
        async with world.serving() as server:
            world.model.script("the tea", hold(gate), times=1)
            await say(world, "the tea")
            await gate.reached()
            await say(world, "the milk", world.lee)
            await say(world, "the sugar")
            await say(world, "the bread", world.lee)
            await world.campfire.delivered()
            gate.release()
            assert await server.settled() == {"accepted": 4, "answered": 4}
        assert prompts(world)[1:] == [
            ["Lee: say back: the milk", "Lee: say back: the bread"],
            ["Kim: say back: the sugar"],
        ]


async def test_an_addition_while_the_model_speaks(tmp_path: Path, gate: Gate, log: Log) -> None:
    """The child keeps them and makes one prompt of them: answered next, before what Lee said."""
    async with open_world(tmp_path) as world:
        when_busy(world, "steer")
        async with world.serving() as server:
            world.model.script("the tea", hold(gate, after_tokens=1), times=1)
            await say(world, "the tea")
            await gate.reached()
            await say(world, "the bread", world.lee)
            await say(world, "the milk")
            await log.until("turn_steered", by=3)
            await say(world, "the sugar")
            await log.until("turn_steered", by=4)
            gate.release()
            assert await server.settled() == {"accepted": 4, "answered": 4}
        assert prompts(world) == [
            ["Kim: say back: the tea"],
            ["Kim: say back: the milk", "Kim: say back: the sugar"],
            ["Lee: say back: the bread"],
        ]
        assert len(world.said_by(world.ada)) == 3
        assert world.campfire.violations == ()


async def test_an_addition_while_a_tool_runs(tmp_path: Path, gate: Gate, log: Log) -> None:
    """The model is given it with the tool's result: one answer, which settles both."""
    async with open_world(tmp_path) as world:
        when_busy(world, "steer", f'[agent]\ntools_from = ["{__name__}:brew"]\n')
        async with world.serving() as server:
            world.model.script("the tea", call_tool("mcp__hearth__brew"), times=1)
            await say(world, "the tea")
            await gate.reached()
            await say(world, "the milk")
            await log.until("turn_steered", by=2)
            gate.release()
            assert await server.settled() == {"accepted": 2, "answered": 2}
        assert len(world.said_by(world.ada)) == 1
        assert "the milk" in str(world.model.requests[1].body["messages"][-1])
        assert len(world.model.requests) == 2


async def test_what_waited_comes_along(tmp_path: Path, gate: Gate) -> None:
    """Kim's messages that waited for Lee's turn are steered into Kim's, from its start."""
    async with open_world(tmp_path) as world:
        when_busy(world, "steer")
        async with world.serving() as server:
            world.model.script("the tea", hold(gate), times=1)
            await say(world, "the tea", world.lee)
            await gate.reached()
            await say(world, "the milk")
            await say(world, "the sugar")
            await world.campfire.delivered()
            gate.release()
            assert await server.settled() == {"accepted": 3, "answered": 3}
        assert prompts(world)[1:] == [["Kim: say back: the milk", "Kim: say back: the sugar"]]


@pytest.mark.parametrize("after_tokens", [None, 1])
async def test_the_asker_interrupts(tmp_path: Path, gate: Gate, after_tokens: int | None) -> None:
    """Kim's new message ends Kim's turn; both are asked, once, before what Lee said."""
    async with open_world(tmp_path) as world:
        when_busy(world, "interrupt")
        async with world.serving() as server:
            await world.ask("@Ada my name is Kim")
            world.model.script("the tea", hold(gate, after_tokens), times=1)
            await say(world, "the tea")
            await gate.reached()
            await say(world, "the bread", world.lee)
            await say(world, "the milk")
            assert await server.settled() == {"accepted": 4, "answered": 4}
        assert prompts(world)[2:] == [
            ["Kim: say back: the tea", "Kim: say back: the milk"],
            ["Lee: say back: the bread"],
        ]
        # The agent does not see that it was asked before.
        assert str(world.model.requests[-1].body).count("the tea\\n</message>") == 1
        assert len(world.said_by(world.ada)) == 3


async def test_others_do_not_interrupt(tmp_path: Path, gate: Gate) -> None:
    """Lee's message waits for its turn."""
    async with open_world(tmp_path) as world:
        when_busy(world, "interrupt")
        async with world.serving() as server:
            world.model.script("the tea", hold(gate), times=1)
            await say(world, "the tea")
            await gate.reached()
            await say(world, "the bread", world.lee)
            await world.campfire.delivered()
            gate.release()
            assert await server.settled() == {"accepted": 2, "answered": 2}
        assert len(world.model.requests) == 2


async def test_a_busy_bot_refuses(tmp_path: Path, gate: Gate) -> None:
    """It says so while its turn runs, once for all that Lee sends; and then it listens again."""
    async with open_world(tmp_path) as world:
        when_busy(world, "reject")
        async with world.serving() as server:
            world.model.script("the tea", hold(gate), times=1)
            await say(world, "the tea")
            await gate.reached()
            await say(world, "the milk", world.lee)
            await say(world, "the bread", world.lee)
            await server.until("/queue/stats", lambda page: page["messages"]["told"] == 2)
            gate.release()
            assert await server.settled() == {"accepted": 3, "answered": 1, "told": 2}
            assert "the sugar" in await world.ask("@Ada say back: the sugar", person=world.lee)
        refusal, answer, _ = world.said_by(world.ada)
        assert refusal == ENGLISH.busy_more.format(count=2)
        assert "Kim: the tea" in answer


async def test_a_flood(tmp_path: Path, gate: Gate) -> None:
    """500 messages of Kim at once: ten wait, Kim is told once of the others, and Lee is served."""
    async with open_world(tmp_path, workers=8) as world:
        async with world.serving() as server:
            world.model.script("the tea", hold(gate), times=1)
            await say(world, "the tea")
            await gate.reached()
            for number in range(500):
                await say(world, f"number {number}.")
            await say(world, "the bread", world.lee)
            await world.campfire.delivered()
            gate.release()
            assert await server.settled() == {"accepted": 502, "answered": 12, "told": 490}
        said = world.said_by(world.ada)
        assert [one for one in said if "Too many" in one] == [
            f"@Kim {ENGLISH.too_many_more.format(count=490)}"
        ]
        assert any("Lee: the bread" in one for one in said)


async def test_a_full_room(tmp_path: Path, gate: Gate) -> None:
    """More people than may wait: who comes too late is told so, each for themselves."""
    async with open_world(tmp_path) as world:
        world.write_bot("ada", "[turn]\nmax_waiting = 2\n")
        people = [world.campfire.add_person(f"Guest {number}") for number in range(4)]
        room = world.campfire.add_room("Kitchen", members=[*people, world.ada])
        async with world.serving() as server:
            world.model.script("the tea", hold(gate), times=1)
            await world.say("@Ada echo: the tea", person=people[0], room=room)
            await gate.reached()
            for person in people:
                await world.say("@Ada echo: the milk", person=person, room=room)
                await world.campfire.delivered()
            await server.until("/queue/stats", lambda page: page["messages"]["told"] == 2)
            gate.release()
            assert await server.settled() == {"accepted": 5, "answered": 3, "told": 2}
        refusals = world.said_by(world.ada, room)[:2]
        assert refusals == [f"@Guest {number} {ENGLISH.crowded}" for number in (2, 3)]


async def test_a_stop_in_a_collected_turn(tmp_path: Path, gate: Gate) -> None:
    """Kim, who leads it, stops what Kim asked; Lee is answered all the same."""
    async with open_world(tmp_path) as world:
        when_busy(world, "collect")
        async with world.serving() as server:
            first = Gate()
            world.model.script("the bread", hold(gate), times=1)
            world.model.script("the tea", hold(first), times=1)
            await say(world, "the tea")
            await first.reached()
            await say(world, "the milk")
            await say(world, "the bread", world.lee)
            await world.campfire.delivered()
            first.release()
            await gate.reached()
            await world.ask("@Ada stop")
            counted = await server.settled()
        assert counted == {"accepted": 4, "answered": 3, "stopped": 1}
        said = world.said_by(world.ada)
        assert any("Lee: the bread" in one for one in said)
        assert not any("the milk" in one for one in said)


async def test_a_stop_of_a_steered_turn(tmp_path: Path, gate: Gate, log: Log) -> None:
    """The child drops the addition as well; what Lee asked is answered next."""
    async with open_world(tmp_path) as world:
        when_busy(world, "steer")
        async with world.serving() as server:
            world.model.script("the tea", hold(gate, after_tokens=1), times=1)
            await say(world, "the tea")
            await gate.reached()
            await say(world, "the milk")
            await log.until("turn_steered", by=2)
            await say(world, "the bread", world.lee)
            await world.ask("@Ada stop")
            counted = await server.settled()
        assert counted == {"accepted": 4, "answered": 2, "stopped": 2}
        said = world.said_by(world.ada)
        assert any("Lee: the bread" in one for one in said)
        assert not any("the milk" in one for one in said)
