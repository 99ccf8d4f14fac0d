"""What is said off the record is answered, and stays nowhere; through the real route and child."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.testing.campfire.records import Dialect
from bot.testing.model import Gate, fail, hold
from tests.e2e.process import serving_apart
from tests.e2e.watching import Log
from tests.e2e.world import World, open_world

#: Asked, and answered; neither may be found anywhere later.
ASKED, ANSWERED = "the-cake-is-in-the-fridge", "it-has-seven-candles"
_KILLED_WHEN_SETTLED = """
from bot.journal.writer import Writer
from tests.e2e.killing import die
def shred(writer):
    if writer._db.execute("SELECT 1 FROM inbox WHERE state = 'answered'").fetchall():
        die()
Writer._shred = shred
"""
QUESTION = f"@Ada Off the record: {ASKED}. echo: {ANSWERED}"


def kept(world: World) -> list[str]:
    """Name the files of the state that hold any of it."""
    words = (ASKED.encode(), ANSWERED.encode(), b"sevenfold")
    return [
        str(path.relative_to(world.cache))
        for path in world.cache.rglob("*")
        if path.is_file() and any(word in path.read_bytes() for word in words)
    ]


def left(world: World) -> list[str]:
    """Name what was set apart and is still there."""
    apart = [*world.cache.glob("agent/apart.*"), *world.cache.glob("work/ada/*")]
    return [str(path.relative_to(world.cache)) for path in apart]


def prompts(world: World) -> Iterator[str]:
    """Yield all that the model was given after the first request that holds the question."""
    bodies = [str(request.body) for request in world.model.requests]
    first = next(number for number, body in enumerate(bodies) if ASKED in body)
    return iter(bodies[first + 1 :])


@pytest.mark.parametrize("dialect", [Dialect.MAIN, Dialect.RELEASED])
async def test_nothing_of_it_stays(tmp_path: Path, log: Log, dialect: Dialect) -> None:
    """Not in journal, session file, transcript, folder or log; and it remembers nothing."""
    async with open_world(tmp_path, dialect=dialect) as world:
        async with world.serving() as server:
            assert await world.ask(QUESTION) == ANSWERED
            assert (await server.settled()) == {"accepted": 1, "answered": 1}
            assert (kept(world), left(world), world.session_files()) == ([], [], [])
            assert 'record="off"' in world.model.requests[-1].last_text
            assert (await server.get("/session/stats"))["hits"] == {"cold": 1}
        assert kept(world) == []
        assert ASKED not in log.getvalue()
        assert ANSWERED not in log.getvalue()
        assert world.campfire.violations == ()


async def test_the_session_goes_on_without_it(tmp_path: Path) -> None:
    """What was said before and after is remembered; over a restart and a recap, too."""
    async with open_world(tmp_path) as world:
        async with world.serving() as server:
            await world.ask("@Ada remember: the tea is cold")
            said = await world.say(f"@Ada off the record, {ASKED}: what did I ask you to remember?")
            assert "nothing" in await world.answer(said)
            assert "the tea is cold" in await world.ask("@Ada what did I ask you to remember?")
            assert "3 turns" in await world.ask("@Ada count the turns")
            await server.settled()
        world.transcripts()[0].unlink()
        async with world.serving():
            assert "the tea is cold" in await world.ask("@Ada what did I ask you to remember?")
            assert "<recap>" in world.model.requests[-1].last_text
        assert not any(ASKED in body for body in prompts(world))


async def test_it_comes_back_through_no_context(tmp_path: Path) -> None:
    """Neither question nor answer is told to another bot, nor to the same one."""
    async with open_world(tmp_path) as world:
        world.write_bot("bo")
        async with world.serving():
            await world.ask(QUESTION)
            await world.say(f"off the record: Lee, {ASKED}", mention=())
            await world.say("the tea is cold", mention=())
            said = await world.say("@Bo hello", mention=[world.bo])
            await world.answer(said, by=world.bo)
            assert "the tea is cold" in world.model.requests[-1].last_text
            await world.ask("@Ada hello")
        assert not any(ASKED in body or ANSWERED in body for body in prompts(world))


async def test_a_bot_that_records_nothing(tmp_path: Path) -> None:
    """With `session.record = false` every turn is off the record, in direct rooms, too.

    It keeps no spares, which would be of no use to it.
    """
    async with open_world(tmp_path) as world:
        world.write_bot("ada", "[session]\nrecord = false\n")
        async with world.serving({"HEARTH_SPARES": "1"}) as server:
            for room in (world.room, world.direct):
                await world.ask(f"@Ada remember: {ASKED}", room=room)
                question = "@Ada what did I ask you to remember?"
                assert "nothing" in await world.ask(question, room=room)
            assert (await server.settled()) == {"accepted": 4, "answered": 4}
            assert (await server.get("/session/stats"))["boots"] == 4
            assert (kept(world), left(world), world.session_files()) == ([], [], [])


async def test_a_long_text_is_overwritten_as_a_whole(tmp_path: Path) -> None:
    """Also what fills many pages of the journal."""
    async with open_world(tmp_path) as world, world.serving() as server:
        text = f"{ASKED} sevenfold " * 3000
        assert "long" in await world.ask(f"@Ada off the record: long answer {text}")
        await server.settled()
        assert kept(world) == []


async def test_a_server_killed_in_the_turn(tmp_path: Path) -> None:
    """It is answered after the restart, asked anew, and then nothing of it is left."""
    async with open_world(tmp_path) as world:
        gate = Gate()
        world.model.script(ASKED, hold(gate, after_tokens=0), times=1)
        async with serving_apart(world) as server:
            said = await world.say(QUESTION)
            await gate.reached()
            server.signal(signal.SIGKILL)
            await server.ended()
            lines = "\n".join(server.lines)
        assert any("journal.db" in name for name in kept(world))  # it is still owed
        async with world.serving() as server:
            assert await world.answer(said) == ANSWERED
            assert (await server.settled()) == {"accepted": 1, "answered": 1}
            assert (kept(world), left(world)) == ([], [])
        assert ASKED not in lines
        assert len(world.said_by(world.ada)) == 1


async def test_a_journal_damaged_while_it_is_owed(tmp_path: Path) -> None:
    """The kept copy holds the words, as all that was in it; the operator is told to remove it."""
    async with open_world(tmp_path) as world:
        gate = Gate()
        world.model.script(ASKED, hold(gate, after_tokens=0), times=1)
        async with serving_apart(world) as server:
            said = await world.say(QUESTION)
            await gate.reached()
            server.signal(signal.SIGKILL)
            await server.ended()
        with (world.cache / "journal.db").open("r+b") as file:
            file.write(b"nothing of a journal")
        async with serving_apart(world) as server:
            assert await world.answer(said) == ANSWERED
            assert (await server.settled()) == {"accepted": 1, "answered": 1}
            told = await server.logged("off_record_kept")
            assert (told["level"], told["messages"]) == ("warning", 1)
        copy = Path(told["file"])
        assert {path.split("-")[0] for path in kept(world)} == {copy.name.split("-")[0]}
        for path in world.cache.glob(f"{copy.name}*"):
            path.unlink()
        assert kept(world) == []


async def test_a_server_killed_when_it_has_settled(tmp_path: Path) -> None:
    """Between the last commit and the end of the log that holds the words: the start ends it."""
    async with open_world(tmp_path) as world:
        async with serving_apart(world, fault=_KILLED_WHEN_SETTLED) as server:
            assert await world.ask(QUESTION) == ANSWERED
            assert await server.ended() == -signal.SIGKILL
        assert "journal.db-wal" in kept(world)
        async with world.serving() as server:
            assert kept(world) == []
            assert (await server.settled()) == {"accepted": 1, "answered": 1}
            assert (kept(world), left(world)) == ([], [])


@pytest.mark.parametrize("outcome", ["told", "dead"])
async def test_one_that_fails_leaves_nothing_either(tmp_path: Path, log: Log, outcome: str) -> None:
    """A failed turn is told; a dead letter can be seen, and neither read nor retried."""
    async with open_world(tmp_path) as world, world.serving() as server:
        if outcome == "told":
            world.model.script(ASKED, fail(400))
        else:
            world.campfire.fail_posts(404)
        await world.say(QUESTION)
        assert (await server.settled()) == {"accepted": 1, outcome: 1}
        assert kept(world) == []
        assert ASKED not in log.getvalue()
        if outcome == "dead":
            shown = await server.get("/admin/dead-letters/1")
            assert (shown["text"], shown["first_line"]) == ("", "(off the record)")
            assert shown["retry"] == "no"
            refused = await server.request("POST", "/admin/dead-letters/1/retry")
            assert refused.status_code == 409
            dropped = await server.request("POST", "/admin/dead-letters/1/drop")
            assert dropped.status_code == 200
