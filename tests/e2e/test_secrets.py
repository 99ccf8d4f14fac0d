"""No secret is in a log, whatever goes wrong (invariant 10), and none is kept."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

from bot.testing.model import Gate, fail, hold
from tests.e2e.process import serving_apart
from tests.e2e.watching import Log
from tests.e2e.wire import Body, deliver, exchange, request
from tests.e2e.world import ADMIN_TOKEN, Running, World, open_world

WEBHOOK_SECRET = "a-webhook-secret/of+the tests"
API_KEY = "sk-a-key-of-the-tests"
#: Said in the room, by a person and by the model.
SPOKEN = ("the-cake-is-in-the-fridge", "it-has-seven-candles")


def with_secrets(world: World) -> None:
    """Give Ada a webhook secret as well, and a broken file to somebody else."""
    file = world.bots_dir / "ada.toml"
    file.write_text('webhook_secret = { env = "ADA_SECRET" }\n' + file.read_text())


def settings() -> dict[str, str]:
    """Return what else stands in the server's environment."""
    return {"ADA_SECRET": WEBHOOK_SECRET, "HEARTH_GRACE": "5s"}


def secrets(world: World, *more: str) -> Iterator[str]:
    """Yield everything that must not be seen."""
    yield from (world.ada.key, world.bo.key, ADMIN_TOKEN, API_KEY, WEBHOOK_SECRET, *more)
    yield from (key.partition("-")[2] for key in (world.ada.key, world.bo.key))
    yield WEBHOOK_SECRET.replace(" ", "+")


def pathless(body: Body) -> None:
    """Leave out what holds the key."""
    del body["room"]["path"]


async def live_through(world: World, server: Running) -> str:
    """Have everything happen that brings a secret near a log; return Ada's second key."""
    secret = WEBHOOK_SECRET.replace("+", "%2B").replace(" ", "+")
    assert "Kim" in await world.ask(f"@Ada my name is Kim, {SPOKEN[0]}. echo: Kim {SPOKEN[1]}")
    for query in (f"?secret={secret}", f"?secret={secret}x", f"?secret={API_KEY}"):
        await deliver(world, server, text="@Ada", path=f"/webhook/ada{query}", change=pathless)
    for path in (f"/webhook/{world.ada.key}", f"/{world.ada.key}/x", f"/?secret={secret}"):
        await exchange(server.url, request(path))
    await exchange(server.url, request(f"/webhook/ada?secret={secret}", version="9.9"))
    await exchange(server.url, request(body=world.ada.key.encode()))
    for shown in (f"Bearer {ADMIN_TOKEN}x", f"Basic {ADMIN_TOKEN}", ADMIN_TOKEN):
        wrong = {"authorization": shown}
        assert (await server.request("GET", "/metrics", headers=wrong)).status_code == 401
    await go_wrong(world)
    await server.settled()
    return await lose_the_key(world, server)


async def go_wrong(world: World) -> None:
    """Have posts fail in every way, and the model refuse."""
    world.campfire.fail_posts(503)
    await world.ask("@Ada")
    world.campfire.fail_posts(404)
    await world.say("@Ada")
    world.campfire.drop_after_accept()
    await world.ask("@Ada")
    world.model.script("refuse", fail(401))
    await world.ask("@Ada refuse")


async def lose_the_key(world: World, server: Running) -> str:
    """Give Ada another key, of which the server has not heard."""
    gate = Gate()
    world.model.script("wait", hold(gate))
    await world.say("@Ada wait")
    await gate.reached()
    key = world.campfire.change_key(world.ada).key
    gate.release()
    await server.settled()
    await world.say("@Ada")
    await world.campfire.delivered()
    return key


async def test_a_process_logs_no_secret(tmp_path: Path) -> None:
    """A whole run of the real command, at debug level: JSON lines, no secret, nobody's words."""
    async with open_world(tmp_path) as world:
        with_secrets(world)
        world.write_bot("bo")
        async with serving_apart(world, settings()) as server:
            other_key = await live_through(world, server)
            server.signal(signal.SIGTERM)
            assert await server.ended() == 0
        assert len(server.lines) > 20
        lines = [json.loads(line) for line in server.lines]
        assert all({"timestamp", "level", "event", "logger"} <= line.keys() for line in lines)
        text = "\n".join(server.lines)
        assert [s for s in (*secrets(world, other_key), *SPOKEN) if s in text] == []
        assert "<secret>" in text
        assert {"turn", "post_failed", "part_dead", "delivery_refused"} <= {
            line["event"] for line in lines
        }


async def test_nothing_else_shows_or_keeps_a_secret(tmp_path: Path, log: Log) -> None:
    """Neither the log of all that shares the process, nor the pages, nor any file of the state."""
    async with open_world(tmp_path) as world:
        with_secrets(world)
        async with world.serving(settings()) as server:
            other_key = await live_through(world, server)
            paths = ("/session/stats", "/queue/stats", "/health/sessions", "/metrics")
            texts = {path: (await server.request("GET", path)).content for path in paths}
        texts["the log"] = log.getvalue().encode()
        texts |= {str(path): path.read_bytes() for path in world.cache.rglob("*") if path.is_file()}
        hidden = [secret.encode() for secret in secrets(world, other_key)]
        for name, text in texts.items():
            assert [secret for secret in hidden if secret in text] == [], name
        assert not any(word in log.getvalue() for word in SPOKEN)
