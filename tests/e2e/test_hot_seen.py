"""What an operator sees of hot, warm and new rooms."""

from pathlib import Path

import pytest

from tests.e2e.watching import Log, scrape
from tests.e2e.world import open_world

#: What the histograms hold, by the name that it has in the line of a turn.
MEASURED = {
    "queue": "wait_s",
    "open": "open_s",
    "first_token": "first_token_s",
    "turn": "total_s",
    "post": "post_s",
}


async def test_a_session_shows_how_it_was_served(tmp_path: Path, log: Log) -> None:
    """On a spare, then hot, and warm after a restart; each way has times of its own."""
    async with open_world(tmp_path) as world:
        async with world.serving({"HEARTH_SPARES": "1"}) as server:
            await server.until("/session/stats", lambda page: page["spares"] == 1)
            await world.ask("@Ada my name is Kim")
            await world.ask("@Ada what is my name?")
            await server.settled()
            page = await server.until(
                "/session/stats", lambda page: page["sessions"][0]["memory_bytes"] is not None
            )
            (row,) = page["sessions"]
            assert (row["state"], row["last_path"]) == ("hot", "hot")
            assert (row["turns"], row["boots"]) == (2, 1)
            assert (row["evictions"], row["recycles"]) == (0, 0)
            assert row["spare_hits"] == page["spare_hits"] == 1
            assert 0 < row["memory_bytes"] <= page["memory_bytes"] <= page["memory_budget_bytes"]
            assert row["created_at"] <= row["last_used"]
            assert row["age_s"] >= 0
            counted = await scrape(server)
            for path in ("spare", "hot"):
                (line,) = log.find("turn", path=path)
                for what, field in MEASURED.items():
                    assert counted[f'hearth_{what}_seconds_count{{path="{path}"}}'] == 1
                    sum_s = counted[f'hearth_{what}_seconds_sum{{path="{path}"}}']
                    assert sum_s == pytest.approx(line[field], abs=0.0001), (path, what)
        async with world.serving() as server:
            (row,) = (await server.get("/session/stats"))["sessions"]
            assert (row["state"], row["turns"], row["memory_bytes"]) == ("warm", 2, None)


async def test_what_was_closed_and_resumed_is_seen(tmp_path: Path) -> None:
    """With memory for one child: page and metrics say of each session what became of it."""
    async with (
        open_world(tmp_path) as world,
        world.serving({"HEARTH_MEMORY_BUDGET": "200MiB"}) as server,
    ):
        await world.ask("@Ada echo: one")
        await world.ask("@Ada echo: two", room=world.direct)
        await server.settled()
        hot, warm = (await server.get("/session/stats"))["sessions"]
        assert (hot["room"], warm["room"]) == (str(world.direct.id), str(world.room.id))
        assert (hot["state"], hot["evictions"], hot["boots"]) == ("hot", 0, 1)
        assert (warm["state"], warm["evictions"], warm["boots"]) == ("warm", 1, 1)
        assert (warm["last_path"], warm["turns"], warm["memory_bytes"]) == ("cold", 1, None)
        assert warm["last_used"] < hot["last_used"]
        await world.ask("@Ada echo: three")
        await server.settled()
        page = await server.until(
            "/session/stats", lambda page: page["sessions"][0]["memory_bytes"] is not None
        )
        again, other = page["sessions"]
        assert again["created_at"] == warm["created_at"]
        assert again["last_used"] > hot["last_used"]
        assert again["age_s"] > warm["age_s"]
        assert (again["state"], again["last_path"], again["turns"]) == ("hot", "warm", 2)
        assert (again["evictions"], again["boots"], again["spare_hits"]) == (1, 2, 0)
        assert (other["state"], other["evictions"]) == ("warm", 1)
        assert 0 < again["memory_bytes"] <= page["memory_bytes"]
        counted = await scrape(server)
        expected = {
            'hearth_sessions{state="hot"}': 1,
            'hearth_sessions{state="warm"}': 1,
            'hearth_sessions{state="cold"}': 0,
            "hearth_sessions_known": 2,
            "hearth_sessions_hot": 1,
            "hearth_sessions_evicted_total": 2,
            "hearth_sessions_recycled_total": 0,
            "hearth_children_booted_total": 3,
            'hearth_seats_total{path="cold"}': 2,
            'hearth_seats_total{path="warm"}': 1,
            'hearth_seats_total{path="spare"}': 0,
            "hearth_children_memory_budget_bytes": 200 * 2**20,
        }
        assert {name: counted[name] for name in expected} == expected
        assert counted["hearth_children_memory_bytes"] >= again["memory_bytes"]


async def test_a_session_that_will_begin_anew_is_cold(tmp_path: Path) -> None:
    """Its file is still there, and too old: the next message resumes nothing."""
    async with open_world(tmp_path) as world:
        world.write_bot("ada", '[session]\nttl = "1s"\n')
        settings = {"HEARTH_MEMORY_BUDGET": "200MiB"}
        async with world.serving(settings) as server:
            await world.ask("@Ada echo: one")
            await world.ask("@Ada echo: two", room=world.direct)
            page = await server.until(
                "/session/stats", lambda page: page["sessions"][-1]["state"] == "cold"
            )
            (row,) = (row for row in page["sessions"] if row["room"] == str(world.room.id))
            assert (row["ttl_left_s"], row["turns"]) == (0, 1)
            shown = {row["room"]: row["state"] for row in page["sessions"]}
            counted = await scrape(server)
            for state in ("hot", "warm", "cold"):
                expected = [*shown.values()].count(state)
                assert counted[f'hearth_sessions{{state="{state}"}}'] == expected, shown
            await world.ask("@Ada echo: three")
            await server.settled()
            (row,) = (
                row
                for row in (await server.get("/session/stats"))["sessions"]
                if row["room"] == str(world.room.id)
            )
            assert (row["last_path"], row["turns"]) == ("cold", 1)
