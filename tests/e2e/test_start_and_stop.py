"""The edges of a server's life: what arrives while it starts, what waits when it stops."""

import asyncio
import signal
import socket
import time
from datetime import datetime
from pathlib import Path

from bot.testing.campfire import Message
from tests.e2e.process import serving_apart
from tests.e2e.world import World, open_world


def a_free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def say_as_soon_as_it_listens(world: World, port: int) -> tuple[Message, float]:
    """Have Kim say something at the first moment at which it can be delivered; return when."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            continue
        writer.close()
        return await world.say("@Ada echo: the tea is cold"), time.time()


async def test_what_is_delivered_during_the_start_waits(tmp_path: Path) -> None:
    """The port is open long before the server is: a delivery is taken late, and not refused."""
    port = a_free_port()
    async with open_world(tmp_path) as world, asyncio.TaskGroup() as group:
        world.call(f"http://127.0.0.1:{port}")
        saying = group.create_task(say_as_soon_as_it_listens(world, port), name="Kim")
        async with serving_apart(world, {"HEARTH_PORT": str(port)}) as server:
            said, at = await saying
            started = (await server.logged("started"))["timestamp"]
            assert at < datetime.fromisoformat(started).timestamp()
            assert "the tea is cold" in await world.answer(said)
            assert [delivery.status for delivery in world.campfire.deliveries] == [204]


async def test_a_stop_does_not_wait_for_an_outage(tmp_path: Path) -> None:
    """A reply that waits for its next try is left to the next start, long before the grace ends."""
    async with open_world(tmp_path) as world:
        world.campfire.fail_posts(429, headers={"Retry-After": "3600"})
        async with serving_apart(world, {"HEARTH_GRACE": "50s"}) as server:
            await world.say("@Ada")
            await server.logged("post_failed")
            began = time.monotonic()
            server.signal(signal.SIGTERM)
            assert await server.ended() == 0
            assert time.monotonic() - began < 25
            assert (await server.logged("drained"))["cut_off"] == 0
        assert world.said_by(world.ada) == []
