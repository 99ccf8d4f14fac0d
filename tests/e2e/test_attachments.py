"""Files that the agent makes, in the room."""

import signal
from pathlib import Path

from bot.testing.campfire.records import Dialect, Message
from bot.testing.gate import Gate
from bot.testing.model import call_tool, say
from tests.e2e.process import serving_apart
from tests.e2e.world import World, open_world

ALLOWED = "[reply]\nattachments = true\n"
CALL = call_tool("mcp__hearth__attach_file", name="../tea.csv", content="tea,cold\n")


def files_of(world: World) -> list[Message]:
    """Return the files in the Watercooler."""
    return [m for m in world.campfire.room(world.room).messages if m.is_attachment]


async def test_a_file_follows_the_text(tmp_path: Path) -> None:
    """The agent calls the tool; the room gets the answer, and then the file, once."""
    async with open_world(tmp_path) as world:
        world.write_bot("ada", ALLOWED)
        async with world.serving() as server:
            world.model.script("a table", CALL)
            answer = await world.ask("@Ada make a table")
            assert answer == "The tool said: tea.csv will be posted after your answer."
            assert await server.settled() == {"accepted": 1, "answered": 1}
            (file,) = files_of(world)
            assert (file.plain, file.content) == ("tea.csv", b"tea,cold\n")
            assert world.said_by(world.ada) == [answer, "tea.csv"]
            assert await world.ask("@Ada echo: next") == "next"
            await server.settled()
            assert len(files_of(world)) == 1
        assert world.campfire.violations == ()


async def test_a_bot_that_may_not(tmp_path: Path) -> None:
    """Without the setting there is no such tool."""
    async with open_world(tmp_path) as world, world.serving() as server:
        world.model.script("a table", CALL)
        assert "No such tool" in await world.ask("@Ada make a table")
        await server.settled()
        assert files_of(world) == []


async def test_too_many(tmp_path: Path) -> None:
    """The room is told the names of those that are left out, after the answer."""
    async with open_world(tmp_path) as world:
        world.write_bot("ada", ALLOWED)

        async def make_many() -> None:
            (work,) = (world.cache / "work" / "ada").iterdir()
            for number in range(7):
                (work / f"{number}.txt").write_text(str(number))

        async with world.serving() as server:
            pause = say("Here they are.")
            world.model.script("many", type(pause)(text=pause.text, pause=make_many))
            await world.ask("@Ada make many")
            await server.settled()
            answer, told, *files = world.said_by(world.ada)
            assert answer == "Here they are."
            assert "too many: 5.txt, 6.txt" in told
            assert files == [f"{number}.txt" for number in range(5)]


async def test_a_post_that_may_have_arrived_is_found(tmp_path: Path) -> None:
    """The history shows the file by its name, so it is not posted twice."""
    async with open_world(tmp_path) as world:
        world.write_bot("ada", ALLOWED)
        async with world.serving() as server:
            world.model.script("a table", CALL)
            gate = Gate()
            world.campfire.slow_posts(gate)
            await world.say("@Ada make a table")
            await gate.reached()
            world.campfire.slow_posts(0)
            world.campfire.drop_after_accept(times=2)
            gate.release()
            assert await server.settled() == {"accepted": 1, "answered": 1}
            assert len(files_of(world)) == 1


async def test_a_crash_before_the_file(tmp_path: Path) -> None:
    """What was frozen is posted by the next server, byte for byte, from the journal."""
    async with open_world(tmp_path, dialect=Dialect.MAIN) as world:
        world.write_bot("ada", ALLOWED)
        world.model.script("a table", CALL)
        gate = Gate()
        async with serving_apart(world) as server:
            world.campfire.slow_posts(gate)
            await world.say("@Ada make a table")
            await gate.reached()
            server.signal(signal.SIGKILL)
            await server.ended()
        for made in (world.cache / "work").rglob("tea.csv"):
            made.write_text("changed since")
        world.campfire.slow_posts(0)
        gate.release()
        async with world.serving() as next_server:
            assert await next_server.settled() == {"accepted": 1, "answered": 1}
            (file,) = files_of(world)
            assert file.content == b"tea,cold\n"
            assert len(world.said_by(world.ada)) == 2
