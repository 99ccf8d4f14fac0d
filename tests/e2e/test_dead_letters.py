"""Dead letters through the whole server: what was given up, and the way back into the room."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.journal import open_journal
from bot.platforms.campfire.markup import render_markdown
from bot.testing.campfire import Gate
from bot.testing.model import hold
from tests.e2e.test_lifecycle_bugs import breaking
from tests.e2e.world import Running, World, open_world

LIST = "/admin/dead-letters"


async def the_one(server: Running) -> Any:
    """Return the only dead letter there is, in full."""
    (row,) = (await server.get(LIST))["dead_letters"]
    return await server.get(f"{LIST}/{row['seq']}")


async def retry(server: Running, seq: int) -> Any:
    """Retry a dead letter; return what the server says it will do."""
    response = await server.request("POST", f"{LIST}/{seq}/retry")
    assert response.status_code == 202
    return response.json()["retry"]


def posts(world: World) -> list[int]:
    """Return how Campfire took each post."""
    return [call.status for call in world.campfire.api_calls if call.method == "POST"]


async def test_a_refused_answer_is_posted_once_the_key_works(tmp_path: Path) -> None:
    """Exactly the frozen answer, once, unmarked; the agent is not asked, and the room remembers."""
    gate = Gate()
    async with open_world(tmp_path) as world:
        world.model.script("the tea", hold(gate), times=1)
        async with world.serving() as server:
            await world.say("@Ada echo: the tea is cold")
            await gate.reached()
            world.ada = world.campfire.change_key(world.ada)
            gate.release()
            assert await server.settled() == {"accepted": 1, "dead": 1}
            letter = await the_one(server)
            assert (letter["author"], letter["text"]) == ("Kim", "echo: the tea is cold")
            assert "the key is wrong or expired" in letter["reason"]
            assert world.ada.key not in str(letter)
        assert world.said_by(world.ada) == []
        # A new key is a new setting, for which a server is started anew.
        async with world.serving() as server:
            assert await retry(server, letter["seq"]) == "post"
            assert await server.settled() == {"accepted": 1, "answered": 1}
            assert world.said_by(world.ada) == ["the tea is cold"]
            assert (await server.get(LIST))["dead_letters"] == []
            assert len(world.model.requests) == 1
            assert "2 turns" in await world.ask("@Ada count the turns")
        assert posts(world) == [302, 201, 201]
        async with open_journal(world.cache / "journal.db", node="test") as journal:
            entry = await journal.entry(letter["seq"])
        assert entry is not None
        (part,) = entry.parts
        assert not part.possible_duplicate


async def test_a_turn_that_died_of_a_bug_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room was told, and gets its answer after all; what is said meanwhile is answered too."""

    def broken(*_: object, **__: object) -> str:
        raise ZeroDivisionError("a bug in the prompt")

    async with open_world(tmp_path) as world, world.serving() as server:
        with monkeypatch.context() as bug:
            bug.setattr("bot.rooms.answering.compose_prompt", broken)
            assert "went wrong on my side" in await world.ask("@Ada echo: the tea is cold")
            assert await server.settled() == {"accepted": 1, "dead": 1}
        assert await world.ask("@Ada echo: all is well") == "all is well"
        letter = await the_one(server)
        assert "ZeroDivisionError: a bug in the prompt" in letter["reason"]
        assert await retry(server, letter["seq"]) == "ask"
        assert await server.settled() == {"accepted": 2, "answered": 2}
        assert world.said_by(world.ada)[1:] == ["all is well", "the tea is cold"]
        assert len(world.model.requests) == 2


async def test_an_answer_that_a_bug_kept_back_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent had answered when the bug struck: its answer is posted, and nobody asks again."""
    async with open_world(tmp_path) as world, world.serving() as server:
        with monkeypatch.context() as bug:
            name = "bot.platforms.campfire.campfire.render_markdown"
            bug.setattr(name, breaking(render_markdown, "tea"))
            await world.ask("@Ada echo: the tea is cold")
            assert await server.settled() == {"accepted": 1, "dead": 1}
        await retry(server, (await the_one(server))["seq"])
        assert await server.settled() == {"accepted": 1, "answered": 1}
        assert world.said_by(world.ada)[1:] == ["the tea is cold"]
        assert len(world.model.requests) == 1


async def test_a_retry_that_fails_is_a_dead_letter_again(tmp_path: Path) -> None:
    """With the reason of the last time; dropped, it leaves the list and stays in the equation."""
    async with open_world(tmp_path) as world, world.serving() as server:
        world.campfire.fail_posts(403)
        await world.say("@Ada")
        assert await server.settled() == {"accepted": 1, "dead": 1}
        seq = (await the_one(server))["seq"]
        world.campfire.fail_posts(422)
        assert await retry(server, seq) == "ask"
        assert await server.settled() == {"accepted": 1, "dead": 1}
        assert "422" in (await the_one(server))["reason"]
        assert (await server.request("POST", f"{LIST}/{seq}/drop")).status_code == 200
        assert (await server.get(LIST))["dead_letters"] == []
        assert await server.settled() == {"accepted": 1, "dead": 1}
        assert posts(world) == [403, 422]


async def test_who_has_no_token_hears_nothing(tmp_path: Path) -> None:
    """A platform that is pointed at an admin route gets a status, and no Content-Type to post."""
    paths = (f"{LIST}/1/retry", f"{LIST}/1/drop", f"{LIST}/1", LIST, f"{LIST}/1/x")
    async with (
        open_world(tmp_path) as world,
        world.serving() as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False) as stranger,
    ):
        for path in paths:
            refused = await stranger.post(path, content=b"{}")
            assert refused.status_code in {401, 404, 405}
            assert (refused.content, "content-type" in refused.headers) == (b"", False)
            wrong = {"authorization": "Bearer x"}
            assert (await stranger.get(path, headers=wrong)).status_code in {401, 404, 405}
