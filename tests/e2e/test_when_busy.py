"""Messages that come while a turn runs: collected, added, taken for an interruption, or refused."""

import asyncio
from pathlib import Path

import pytest

from bot.testing.model import Gate, call_tool, hold
from tests.e2e.world import Running, World, open_world


def a_bot_that(mode: str, more: str = "") -> str:
    """Return what a bot's file says of its turns."""
    return f'[turn]\nwhen_busy = "{mode}"\n{more}'


def asked(world: World) -> list[list[tuple[str | None, str]]]:
    """Return who said what in the last prompt of each request."""
    from bot.testing.model.request import utterances  # noqa: PLC0415

    return [
        [(said.speaker, said.text) for said in utterances(request.last_text)]
        for request in world.model.requests
    ]


async def test_what_waits_is_collected(tmp_path: Path) -> None:
    """Kim's and Lee's messages behind a running turn are one prompt, each named; one answer."""
    async with open_world(tmp_path) as world:
        world.write_bot("ada", a_bot_that("collect"))
        async with world.serving() as server:
            gate = Gate()
            world.model.script("the tea", hold(gate), times=1)
            await world.say("@Ada echo: the tea")
            await gate.reached()
            await world.say("@Ada echo: the milk", person=world.lee)
            await world.say("@Ada echo: the sugar")
            await world.campfire.delivered()
            gate.release()
            assert await server.settled() == {"accepted": 3, "answered": 3}
        assert asked(world) == [
            [("Kim", "echo: the tea")],
            [("Lee", "echo: the milk"), ("Kim", "echo: the sugar")],
        ]
        assert world.said_by(world.ada) == ["the tea", "the sugar"]


async def test_the_asker_adds_while_the_model_speaks(tmp_path: Path) -> None:
    """What cannot be part of the answer any more is answered next, before what others said."""
    async with open_world(tmp_path) as world:
        world.write_bot("ada", a_bot_that("steer"))
        async with world.serving() as server:
            gate = Gate()
            world.model.script("the tea", hold(gate, after_tokens=1), times=1)
            await world.say("@Ada echo: the tea")
            await gate.reached()
            await world.say("@Ada echo: the bread", person=world.lee)
            await world.say("@Ada echo: the milk")
            await world.say("@Ada echo: the sugar")
            await world.campfire.delivered()
            await asyncio.sleep(0.5)
            gate.release()
            assert await server.settled() == {"accepted": 4, "answered": 4}
        assert world.said_by(world.ada) == ["the tea", "the sugar", "the bread"]


async def test_the_asker_adds_while_a_tool_runs(tmp_path: Path) -> None:
    """The addition becomes a part of the running answer, which settles both."""


async def test_the_asker_interrupts(tmp_path: Path) -> None:
    """Kim's new message ends Kim's turn, and both are asked together; Lee waits."""
    async with open_world(tmp_path) as world:
        world.write_bot("ada", a_bot_that("interrupt"))
        async with world.serving() as server:
            gate = Gate()
            world.model.script("the tea", hold(gate, after_tokens=1), times=1)
            await world.say("@Ada echo: the tea")
            await gate.reached()
            await world.say("@Ada echo: the bread", person=world.lee)
            await world.say("@Ada echo: the milk")
            assert await server.settled() == {"accepted": 3, "answered": 3}
        print(asked(world))
        assert world.said_by(world.ada) == ["the milk", "the bread"]


async def test_a_busy_bot_refuses(tmp_path: Path) -> None:
    """It says so at once, while the turn runs."""
    async with open_world(tmp_path) as world:
        world.write_bot("ada", a_bot_that("reject"))
        async with world.serving() as server:
            gate = Gate()
            world.model.script("the tea", hold(gate), times=1)
            said = await world.say("@Ada echo: the tea")
            await gate.reached()
            refused = await world.say("@Ada echo: the bread", person=world.lee)
            print(await world.answer(refused))
            gate.release()
            assert await server.settled() == {"accepted": 2, "answered": 1, "told": 1}
        print(world.said_by(world.ada))
