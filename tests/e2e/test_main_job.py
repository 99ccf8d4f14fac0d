"""A message in a room becomes an answer in that room, through every real part."""

from pathlib import Path

from tests.e2e.world import open_world


async def test_ada_answers_from_memory(tmp_path: Path) -> None:
    """Kim tells her name, and the next answer knows it, from the open conversation."""
    async with open_world(tmp_path) as world, world.serving() as server:
        assert "Kim" in await world.ask("@Ada my name is Kim")
        assert "Kim" in await world.ask("@Ada what is my name?")
        session = (await server.get("/session/stats"))["sessions"][0]
        assert (session["state"], session["last_path"], session["turns"]) == ("hot", "hot", 2)
        assert world.campfire.violations == ()


async def test_ada_remembers_over_a_restart(tmp_path: Path) -> None:
    """After a restart the session is resumed from its file."""
    async with open_world(tmp_path) as world:
        async with world.serving():
            await world.ask("@Ada my name is Kim")
        async with world.serving() as server:
            assert "Kim" in await world.ask("@Ada what is my name?")
            session = (await server.get("/session/stats"))["sessions"][0]
            assert session["last_path"] == "warm"


async def test_a_direct_room_needs_no_mention(tmp_path: Path) -> None:
    """In a direct room every message is for the bot."""
    async with open_world(tmp_path) as world, world.serving():
        said = await world.say("my name is Kim", room=world.direct, mention=())
        assert "Kim" in await world.answer(said)


async def test_rooms_do_not_share_a_memory(tmp_path: Path) -> None:
    """What was said in one room is not known in another."""
    async with open_world(tmp_path) as world, world.serving():
        await world.ask("@Ada my name is Kim")
        said = await world.say("what is my name?", room=world.direct, mention=())
        assert "Kim" not in await world.answer(said)


async def test_a_bare_mention_gets_help(tmp_path: Path) -> None:
    """A mention without a word is told what to do, without asking the model."""
    async with open_world(tmp_path) as world, world.serving():
        assert "after my name" in await world.ask("@Ada")
        assert world.model.requests == ()
