"""A turn whose conversation is open begins in the commit that accepts its message."""

import json
import signal
import sqlite3
from pathlib import Path

import pytest

from tests.e2e.disk import Disk
from tests.e2e.process import serving_apart
from tests.e2e.world import UNGUARDED, World, open_world

#: Ends like on a power cut, as soon as that commit is on disk: before the 204, and the prompt.
_RIGHT_AFTER = """
from tests.e2e.killing import kill
kill("after", "bot.journal.beginnings:Beginnings.head")
"""
_TURNS = 20


def attempts(world: World, entry: int) -> list[tuple[str, str, int]]:
    """Return session, state and loneliness of the attempts at a message."""
    with sqlite3.connect(f"file:{world.cache / 'journal.db'}?mode=ro", uri=True) as db:
        found = db.execute(
            "SELECT session_id, state, alone FROM attempts WHERE entry = ? ORDER BY number",
            (entry,),
        ).fetchall()
    db.close()
    return found


async def test_one_commit_accepts_a_message_and_begins_its_turn(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of every hot turn, and there is no second attempt: what has begun is what is asked."""
    monkeypatch.setattr("bot.app._CATCH_UP_S", 3600.0)  # it would read what was accepted before
    async with open_world(tmp_path) as world:
        world.write_bot("ada", UNGUARDED)
        async with world.serving() as server:
            await world.ask("@Ada my name is Kim")
            await server.settled()
            disk.commits.clear()
            for number in range(_TURNS):
                assert await world.ask(f"@Ada echo: {number}") == str(number)
                await server.settled()
            session = (await server.get("/session/stats"))["sessions"][0]["session_id"]
        accepting, beginning = (
            [number for number, commit in enumerate(disk.commits) if table in " ".join(commit)]
            for table in ("INSERT INTO inbox", "INSERT INTO attempts")
        )
        assert len(accepting) == _TURNS
        assert beginning == accepting
        for entry in range(2, 2 + _TURNS):
            assert attempts(world, entry) == [(session, "answered", 0)]


async def test_a_server_killed_right_after_that_commit(tmp_path: Path) -> None:
    """The message was never acknowledged, nor asked; it is answered, and both once."""
    async with open_world(tmp_path) as world:
        async with serving_apart(world, fault=_RIGHT_AFTER) as server:
            await world.ask("@Ada my name is Kim")
            await server.settled()
            (before,) = (await server.get("/session/stats"))["sessions"]
            await world.say("@Ada echo: the tea is cold")
            assert await server.ended() == -signal.SIGKILL
        assert attempts(world, 2) == [(before["session_id"], "running", 0)]
        assert len(world.model.requests) == 1
        async with world.serving() as restarted:
            assert await restarted.settled() == {"accepted": 2, "answered": 2}
            (after,) = (await restarted.get("/session/stats"))["sessions"]
            assert after["session_id"] == before["session_id"]
            assert "Kim" in await world.ask("@Ada what is my name?")
        assert world.said_by(world.ada).count("the tea is cold") == 1
        asked = [
            sum("the tea" in turn for turn in request.turns) for request in world.model.requests
        ]
        assert asked == [0, 1, 1]
        (transcript,) = world.transcripts()
        assert prompts(transcript).count("the tea is cold") == 1
        assert world.campfire.violations == ()


def prompts(transcript: Path) -> str:
    """Return what a transcript says that the agent was asked."""
    entries = [json.loads(line) for line in transcript.read_text().splitlines()]
    return json.dumps([one["message"] for one in entries if one.get("type") == "user"])
