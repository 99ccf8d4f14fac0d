"""What operators see of a running server, and who may see it."""

import stat
from functools import partial
from pathlib import Path

import httpx
import pytest

from bot.testing.model import Gate, hold
from tests.e2e.disk import Disk
from tests.e2e.watching import Log, scrape
from tests.e2e.world import ADMIN_TOKEN, Running, World, open_world

OPEN = ("/health", "/ready")
SHOWN_WITH_A_TOKEN = ("/session/stats", "/queue/stats", "/health/sessions", "/metrics")


async def get(server: Running, path: str, token: str | None = None) -> httpx.Response:
    """Ask for a page, showing *token*."""
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(f"{server.url}{path}", headers=headers)


async def test_who_may_see_what(tmp_path: Path) -> None:
    """Health and readiness are open; everything else needs the token, right to the last letter."""
    async with open_world(tmp_path) as world, world.serving() as server:
        for path in OPEN:
            assert (await get(server, path)).status_code == 200
        for path in SHOWN_WITH_A_TOKEN:
            for wrong in (None, "x", ADMIN_TOKEN[:-1], f"{ADMIN_TOKEN}x"):
                refused = await get(server, path, wrong)
                assert (refused.status_code, refused.content) == (401, b""), path
                assert "content-type" not in refused.headers
            assert (await get(server, path, ADMIN_TOKEN)).status_code == 200
            assert (await get(server, f"{path}?token={ADMIN_TOKEN}")).status_code == 401


async def test_a_token_is_made_when_there_is_none(tmp_path: Path) -> None:
    """It lies in the session cache, readable for its owner alone, and survives a restart."""
    async with open_world(tmp_path) as world:
        tokens = []
        for _ in range(2):
            async with world.serving({"HEARTH_ADMIN_TOKEN": ""}) as server:
                file = world.cache / "admin.token"
                assert stat.S_IMODE(file.stat().st_mode) == 0o600
                tokens.append(file.read_text().strip())
                assert (await get(server, "/queue/stats")).status_code == 401
                assert (await get(server, "/queue/stats", ADMIN_TOKEN)).status_code == 401
                assert (await get(server, "/queue/stats", tokens[-1])).status_code == 200
        assert tokens[0] == tokens[1]
        assert len(tokens[0]) >= 40


async def test_readiness_falls_with_the_journal(tmp_path: Path, disk: Disk, log: Log) -> None:
    """A journal that cannot be written makes the server not ready, though alive; it recovers."""
    async with open_world(tmp_path) as world, world.serving() as server:
        with disk.breaking():
            red = await get(server, "/ready")
            assert (red.status_code, red.json()["ready"]) == (503, False)
            assert red.json()["why"] == ["journal: cannot be written, see the log"]
            assert (await get(server, "/health")).status_code == 200
        assert "disk I/O error" in (await log.until("journal_unavailable"))["why"]
        await server.until_ready()
        assert log.find("ready")


async def test_readiness_falls_while_draining(tmp_path: Path) -> None:
    """A server that is stopping says so while it still answers."""
    gate = Gate()
    async with open_world(tmp_path) as world, world.serving() as server:
        world.model.script("wait", hold(gate))
        said = await world.say("@Ada wait")
        await gate.reached()
        server.stop.set()
        await server.until_draining()
        assert (await get(server, "/ready")).json()["why"] == ["server: is stopping"]
        gate.release()
        await world.answer(said)


async def test_readiness_needs_a_bot(tmp_path: Path) -> None:
    """A server without a bot starts, and says that it is not ready."""
    async with open_world(tmp_path) as world:
        (world.bots_dir / "ada.toml").unlink()
        async with world.serving() as server:
            assert (await get(server, "/ready")).json()["why"] == ["bots: none is loaded"]


async def while_busy(world: World, gate: Gate) -> None:
    """Have one message answered, one held at *gate*, and two wait behind it in their room."""
    await world.ask("@Ada my name is Kim")
    world.model.script("wait", hold(gate))
    await world.say("@Ada wait")
    await gate.reached()
    for text in ("@Ada one", "@Ada two"):
        await world.say(text)
    await world.campfire.delivered()


async def test_what_the_queues_show(tmp_path: Path) -> None:
    """The equation holds at every moment, and what waits is shown with its room."""
    gate = Gate()
    async with open_world(tmp_path) as world, world.serving() as server:
        await while_busy(world, gate)
        page = await server.get("/queue/stats")
        assert page["messages"] == {
            "accepted": 4, "answered": 1, "told": 0, "stopped": 0, "skipped": 0, "dead": 0,
            "open": 3, "balanced": True,
        }  # fmt: skip
        assert (page["running"], page["turns"]) == (1, {"answered": 1})
        (lane,) = page["lanes"]
        assert (lane["lane"], lane["open"]) == (f"campfire/{world.room.id}", 3)
        measured = await server.until(
            "/session/stats", lambda page: page["sessions"][0]["memory_bytes"]
        )
        (session,) = measured["sessions"]
        assert (session["room"], session["bot"]) == (str(world.room.id), "ada")
        assert (session["queue"], session["busy"], session["state"]) == (3, True, "hot")
        assert 0 < session["memory_bytes"] <= measured["memory_bytes"]
        gate.release()
        assert (await server.settled()) == {"accepted": 4, "answered": 4}


async def test_what_prometheus_reads(tmp_path: Path) -> None:
    """The metrics parse, add up, count what the pages show, and name no room and no person."""
    gate = Gate()
    async with open_world(tmp_path) as world, world.serving() as server:
        await while_busy(world, gate)
        counted = await scrape(server)
        messages = partial('hearth_messages_total{{outcome="{}"}}'.format)
        ended = ("answered", "told", "stopped", "skipped", "dead")
        total = sum(counted[messages(outcome)] for outcome in ended)
        assert counted[messages("accepted")] == total + counted["hearth_messages_open"] == 4
        assert counted['hearth_turn_seconds_count{path="cold"}'] == 1
        assert counted["hearth_journal_up"] == 1
        assert counted["hearth_sessions_hot"] == 1
        assert not any("Watercooler" in name or "Kim" in name for name in counted)
        gate.release()
        await server.settled()


async def test_the_equation_outlives_its_rows(tmp_path: Path, log: Log) -> None:
    """Over a restart and retention the counters stay what they were; what was settled is gone."""
    brief = {"HEARTH_DEDUPE": "0.001s", "HEARTH_CATCH_UP": "0.001s"}
    async with open_world(tmp_path) as world:
        async with world.serving() as server:
            await world.ask("@Ada echo: the tea is cold")
            await world.ask("@Ada")
            before = (await server.get("/queue/stats"))["messages"]
            assert (before["accepted"], before["open"], before["balanced"]) == (2, 0, True)
        async with world.serving(brief) as server:
            assert (await log.until("journal_expired"))["messages"] == 2
            assert (await server.get("/queue/stats"))["messages"] == before
            counted = await scrape(server)
            assert {
                name: counted[f'hearth_messages_total{{outcome="{name}"}}']
                for name in ("accepted", "answered", "told")
            } == {name: before[name] for name in ("accepted", "answered", "told")}


async def test_how_the_sessions_are(tmp_path: Path) -> None:
    """Sessions are well from the start, and after a turn."""
    async with open_world(tmp_path) as world, world.serving() as server:
        assert (await server.get("/health/sessions"))["known"] == 0
        await world.ask("@Ada hello")
        health = await server.get("/health/sessions")
        assert (health["status"], health["known"], health["hot"]) == ("ok", 1, 1)
        assert (health["reasons"], health["died"], health["lost"]) == ([], 0, 0)


async def test_one_line_a_turn(tmp_path: Path, log: Log) -> None:
    """Each turn is one line with all its figures; nothing else at that level comes with it."""
    async with open_world(tmp_path) as world, world.serving() as server:
        await log.until("resumed")
        before = len(log.lines)
        await world.ask("@Ada my name is Kim")
        await world.ask("@Ada what is my name?")
        await world.ask("@Ada")
        await server.settled()
        lines = [line for line in log.lines[before:] if line["level"] != "debug"]
        assert [line["event"] for line in lines] == ["turn"] * 3
        assert [line.get("path") for line in lines] == ["cold", "hot", None]
        assert [line["outcome"] for line in lines] == ["answered", "answered", "told"]
        first = lines[0]
        assert (first["bot"], first["room"], first["parts"]) == ("ada", str(world.room.id), 1)
        assert 0 < first["first_token_s"] <= first["agent_s"] < first["total_s"]


async def test_a_disk_that_runs_full_is_told(
    tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One warning when it has little room, however often it is looked at; one line at the end."""
    monkeypatch.setattr("bot.operate.upkeep._MINUTE_S", 0.05)
    monkeypatch.setattr("bot.operate.disk.LEAST_FREE_SHARE", 0.0)
    monkeypatch.setattr("bot.operate.disk.LEAST_FREE_BYTES", 2**62)
    async with open_world(tmp_path) as world, world.serving() as server:
        warning = await log.until("disk_low")
        assert 0 < warning["free_bytes"] < warning["total_bytes"]
        counted = await scrape(server)
        assert 0 < counted["hearth_disk_free_bytes"] < warning["total_bytes"]
        monkeypatch.setattr("bot.operate.disk.LEAST_FREE_BYTES", 0)
        await log.until("disk_recovered")
        assert len(log.find("disk_low")) == 1
        assert await world.ask("@Ada echo: hello") == "hello"
