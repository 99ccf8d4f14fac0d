"""How a server ends: by one signal in order, by a second at once, by kill -9; nothing is lost."""

import asyncio
import signal
from pathlib import Path

import pytest

from bot.testing.campfire.records import Fate, Message
from bot.testing.model import Gate, hold
from tests.e2e.process import ServerProcess, all_gone, serving_apart
from tests.e2e.world import PATIENCE_S, UNGUARDED, World, open_world

_HELD = "@Ada echo: the tea is cold"
#: How many deliveries arrive before the running turn may end, and at most.
_BEFORE_THE_END = 10
_MOST = 2000
#: uvicorn looks ten times a second whether it should end: so long the listener has to outlive that.
_SEVERAL_LOOKS_S = 0.5


async def hold_a_turn(world: World, server: ServerProcess) -> tuple[Gate, frozenset[int]]:
    """Let Kim ask what the model does not answer yet; return the gate and the children."""
    gate = Gate()
    world.model.script("the tea", hold(gate), times=1)
    await world.say(_HELD)
    await gate.reached()
    await world.written("the tea")
    children = server.children()
    assert children
    return gate, children


#: Whoever talks on does so without end, and nobody is named.
_TALKATIVE = (
    f'[turn]\nmax_waiting = {_MOST}\nmax_waiting_each = {_MOST}\n[reply]\nmention = "never"\n'
    + UNGUARDED
)


async def keep_repeating(world: World, said: Message) -> None:
    """Have the same delivered again and again: each time it is acknowledged."""
    now = asyncio.get_running_loop().time
    began = now()
    while now() - began < _SEVERAL_LOOKS_S:
        delivery = await world.campfire.redeliver(said, world.ada)
        assert delivery is not None
        assert delivery.status == 204


async def keep_talking(world: World, server: ServerProcess, gate: Gate) -> list[int]:
    """Say something again and again until the server has gone; return what was acknowledged."""
    acknowledged = []
    for number in range(_MOST):
        said = await world.campfire.say(
            world.room, world.lee, f"@Ada echo: still here {number}", deliver=False
        )
        delivery = await world.campfire.redeliver(said, world.ada)
        assert delivery is not None
        if delivery.status is None:
            break  # the listener is closed, or it was while this one came in
        assert (delivery.fate, delivery.status) == (Fate.SILENT, 204)
        acknowledged.append(number)
        if number == _BEFORE_THE_END:
            await keep_repeating(world, said)
            gate.release()
    await server.ended()
    return acknowledged


async def test_a_drain_takes_deliveries(tmp_path: Path) -> None:
    """The running turn ends, what arrives meanwhile is acknowledged and answered next time."""
    async with open_world(tmp_path) as world:
        world.write_bot("ada", _TALKATIVE)
        async with serving_apart(world) as server:
            gate, children = await hold_a_turn(world, server)
            server.signal(signal.SIGTERM)
            await server.logged("stopping")
            acknowledged = await keep_talking(world, server, gate)
            assert len(acknowledged) > _BEFORE_THE_END
            assert await server.ended() == 0
            assert (await server.logged("drained"))["cut_off"] == 0
            assert all_gone(children, within_s=0)
            assert world.said_by(world.ada) == ["the tea is cold"]
        answers = [f"still here {number}" for number in acknowledged]
        async with world.serving() as restarted:
            await world.campfire.wait_until(
                lambda _: len(world.said_by(world.ada)) > len(answers), timeout_s=PATIENCE_S
            )
            await restarted.settled()
        assert world.said_by(world.ada)[: len(answers) + 1] == ["the tea is cold", *answers]
        assert world.campfire.violations == ()


async def test_what_outlasts_the_grace_is_cut_off(tmp_path: Path) -> None:
    """The log says so, and the next start answers it, once."""
    async with open_world(tmp_path) as world:
        async with serving_apart(world, {"HEARTH_GRACE": "200ms"}) as server:
            _, children = await hold_a_turn(world, server)
            server.signal(signal.SIGTERM)
            assert await server.ended() == 0
            assert (await server.logged("drained"))["cut_off"] == 1
            assert all_gone(children, within_s=0)
            assert world.said_by(world.ada) == []
        async with world.serving() as restarted:
            assert await restarted.settled() == {"accepted": 1, "answered": 1}
            assert world.said_by(world.ada) == ["the tea is cold"]
            await world.ask("@Ada hello")
            turns = world.model.requests[-1].turns
            assert sum("the tea" in turn for turn in turns) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_at_once(tmp_path: Path, number: signal.Signals) -> None:
    """Whoever is in a hurry gets their way, and no child stays."""
    async with open_world(tmp_path) as world, serving_apart(world) as server:
        _, children = await hold_a_turn(world, server)
        server.signal(number)
        await server.logged("stopping")
        server.signal(number)
        assert await server.ended() == -number
        assert all_gone(children)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_idle_server_ends_at_once(tmp_path: Path, number: signal.Signals) -> None:
    """With nothing to do there is nothing to wait for; its children go with it."""
    async with open_world(tmp_path) as world, serving_apart(world) as server:
        await world.ask("@Ada my name is Kim")
        children = server.children()
        assert children
        async with asyncio.timeout(5):
            server.signal(number)
            assert await server.ended() == 0
        assert all_gone(children, within_s=0)


async def test_kill_9_leaves_no_child(tmp_path: Path) -> None:
    """A child in the middle of a turn ends with its server."""
    async with open_world(tmp_path) as world, serving_apart(world) as server:
        _, children = await hold_a_turn(world, server)
        server.signal(signal.SIGKILL)
        await server.ended()
        assert all_gone(children, within_s=1)
