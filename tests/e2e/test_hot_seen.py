"""What an operator sees of hot, warm and new rooms."""

from pathlib import Path

from tests.e2e.watching import scrape
from tests.e2e.world import open_world


async def test_a_session_shows_how_it_was_served(tmp_path: Path) -> None:
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
            assert (row["evictions"], row["recycles"], page["spare_hits"]) == (0, 0, 1)
            assert 0 < row["memory_bytes"] <= page["memory_bytes"] <= page["memory_budget_bytes"]
            assert row["created_at"] <= row["last_used"]
            assert row["age_s"] >= 0
            counted = await scrape(server)
            for what in ("queue", "open", "first_token", "turn", "post"):
                for path in ("spare", "hot"):
                    assert counted[f'hearth_{what}_seconds_count{{path="{path}"}}'] == 1
        async with world.serving() as server:
            (row,) = (await server.get("/session/stats"))["sessions"]
            assert (row["state"], row["turns"], row["memory_bytes"]) == ("warm", 2, None)
