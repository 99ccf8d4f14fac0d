"""Files that people give: what a platform hands over reaches the model; Campfire gives a name."""

import base64
from pathlib import Path

import pytest

from bot.errors import ChatUnavailable
from bot.platforms.campfire.campfire import Campfire
from bot.records import Message
from bot.records.file import File
from bot.testing.model import say
from tests.e2e.test_sessions import age_by_a_day_and_more
from tests.e2e.world import World, open_world

#: One transparent pixel.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
TABLE = b"tea,cold\nmilk,sour\n"


def giving(monkeypatch: pytest.MonkeyPatch, *files: File) -> None:
    """Let the platform be one that gives files."""

    async def give(_self: Campfire, message: Message, *, key: str) -> tuple[File, ...]:
        assert key
        return tuple(file for file in files if file.name == message.text)

    monkeypatch.setattr(Campfire, "files", give)


def copies(world: World) -> list[Path]:
    """Return the images that lie about in the session cache."""
    return list(world.cache.rglob("*.png"))


async def upload(world: World, name: str) -> str:
    """Let Kim give a file to Ada; return the answer."""
    return await world.answer(await world.campfire.upload(world.direct, world.kim, name))


async def test_campfire_gives_a_name(tmp_path: Path) -> None:
    """The agent is told that there is no more."""
    async with open_world(tmp_path) as world, world.serving():
        await upload(world, "moon.png")
        assert (
            'the file "moon.png"; its content is not available'
            in world.model.requests[-1].last_text
        )


async def test_an_image_and_a_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real child passes both on as the API takes them, and remembers them over a restart."""
    giving(monkeypatch, File(name="moon.png", content=PIXEL), File(name="tea.csv", content=TABLE))
    async with open_world(tmp_path) as world:
        world.model.script("the file", say("I see."))
        async with world.serving() as server:
            assert await upload(world, "moon.png") == "I see."
            assert await upload(world, "tea.csv") == "I see."
            assert await server.settled() == {"accepted": 2, "answered": 2}
        assert [path.parent.name for path in copies(world)] == ["images"]
        async with world.serving():
            said = await world.say("echo: hi", room=world.direct, mention=())
            assert await world.answer(said) == "hi"
        messages = world.model.requests[-1].body["messages"]
        blocks = [b for m in messages if isinstance(m["content"], list) for b in m["content"]]
        (image,) = [block for block in blocks if block["type"] == "image"]
        assert image["source"]["media_type"] == "image/png"
        assert base64.b64decode(image["source"]["data"]).startswith(b"\x89PNG")
        assert any("milk,sour" in block.get("text", "") for block in blocks)
        assert any("which stands above" in block.get("text", "") for block in blocks)
        assert world.model.refusals == ()


async def test_a_forgotten_session_leaves_no_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy that the child keeps goes with its session."""
    giving(monkeypatch, File(name="moon.png", content=PIXEL))
    async with open_world(tmp_path) as world:
        async with world.serving():
            await upload(world, "moon.png")
        assert copies(world)
        age_by_a_day_and_more(world)
        async with world.serving():
            await world.answer(await world.say("echo: hi", room=world.direct, mention=()))
            assert not copies(world)


async def test_a_file_that_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The turn goes on without it, and the agent is told."""

    async def fail(_self: Campfire, _message: Message, *, key: str) -> tuple[File, ...]:
        raise ChatUnavailable(f"no connection for {len(key)} characters")

    monkeypatch.setattr(Campfire, "files", fail)
    async with open_world(tmp_path) as world, world.serving():
        await upload(world, "moon.png")
        assert "its content is not available" in world.model.requests[-1].last_text
