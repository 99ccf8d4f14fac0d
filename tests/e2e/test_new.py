"""`new`: what was said before is forgotten, whatever happens in between."""

import signal
from pathlib import Path

import pytest

from bot.language.english import ENGLISH
from bot.testing.model import Gate, hold
from tests.e2e.process import serving_apart
from tests.e2e.watching import Log
from tests.e2e.world import Running, World, open_world

_KILL = "from tests.e2e.killing import kill\n"
_ORDERS = "bot.journal.orders:Orders"

#: Where the server ends, in the order of the command's way.
POINTS = {
    "after the commit, before the 204": ("after", f"{_ORDERS}.obey"),
    "before anything is deleted": ("before", "bot.agent.agent:Agent.forget"),
    "after the transcript, before the session file": (
        "before",
        "bot.sessions.saving:Saving.remove",
    ),
    "after the session file, before that is recorded": ("before", f"{_ORDERS}.renewed"),
    "before its answer is frozen": ("before", "bot.journal.journal:Journal.freeze", 2),
    "after its answer is frozen": ("after", "bot.journal.journal:Journal.freeze", 2),
}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a doubt last half a second in this process, where servers are started again."""
    monkeypatch.setattr("bot.rooms.lookup.POST_TIMEOUT_S", 0.5)


async def the_session(server: Running) -> dict[str, object]:
    """Return the only session there is."""
    (session,) = (await server.get("/session/stats"))["sessions"]
    return dict(session)


async def remembered(world: World, server: Running) -> Path:
    """Have Ada remember the tea; return the transcript, once her child has written it."""
    await world.ask("@Ada remember: the tea is cold")
    return await the_transcript(world, server)


async def the_transcript(world: World, server: Running) -> Path:
    """Return the only transcript, once the child has written the answer down."""
    await server.until("/session/stats", lambda page: page["sessions"][0]["cost_usd"] > 0)
    (transcript,) = world.transcripts()
    return transcript


async def knows_nothing(world: World, server: Running) -> None:
    """See that the next message begins a session, in which nothing of before comes back."""
    assert "1 turn" in await world.ask("@Ada count the turns")
    assert "tea" not in str(world.model.requests[-1].body["messages"])
    assert (await the_session(server))["last_path"] == "cold"
    await the_transcript(world, server)


async def test_the_session_is_replaced(tmp_path: Path) -> None:
    """File and transcript are gone when that is said; the next turn is cold, without a recap."""
    async with open_world(tmp_path) as world, world.serving() as server:
        old = await remembered(world, server)
        assert await world.ask("@Ada new") == ENGLISH.renewed
        assert (world.session_files(), world.transcripts()) == ([], [])
        await knows_nothing(world, server)
        assert old not in world.transcripts()
        assert await server.settled() == {"accepted": 3, "answered": 3}
        assert world.campfire.violations == ()


@pytest.mark.parametrize("point", POINTS)
async def test_a_server_that_ends_in_between(tmp_path: Path, point: str) -> None:
    """After the restart nothing of the old session is left, and the command is answered once."""
    async with open_world(tmp_path) as world:
        async with serving_apart(world, fault=f"{_KILL}kill{POINTS[point]!r}") as server:
            old = await remembered(world, server)
            await world.say("@Ada new")
            assert await server.ended() == -signal.SIGKILL
        async with world.serving() as restarted:
            assert await restarted.settled() == {"accepted": 2, "answered": 2}
            assert old not in world.transcripts()
            await knows_nothing(world, restarted)
        assert world.said_by(world.ada).count(ENGLISH.renewed) == 1


async def test_what_was_asked_before_is_still_answered(tmp_path: Path, log: Log) -> None:
    """A turn that runs, and one that waits, know what they were asked upon; then it is gone."""
    async with open_world(tmp_path, workers=2) as world, world.serving() as server:
        gate = Gate()
        await world.ask("@Ada my name is Kim")
        world.model.script("the tea", hold(gate), times=1)
        await world.say("@Ada echo: the tea is cold")
        await gate.reached()
        await world.say("@Ada what is my name?")
        await world.campfire.delivered()
        assert await world.answer(await world.say("@Ada new")) == ENGLISH.renewed_later
        later = await world.say("@Ada count the turns")
        await world.campfire.delivered()
        gate.release()
        answer = await world.campfire.answer_to(later, containing="turn")
        assert "1 turn" in answer.plain
        assert await server.settled() == {"accepted": 5, "answered": 5}
        said = world.said_by(world.ada)
        assert said[2] == "the tea is cold"
        assert "Kim" in said[3]
        assert len(world.transcripts()) == 1
        assert len(log.find("session_renewed")) == 1
        assert "tea" not in str(world.model.requests[-1].body["messages"])


async def test_what_it_leaves_behind_goes_when_the_turn_ends(tmp_path: Path, log: Log) -> None:
    """Nobody has to say another word for that; the history keeps nothing of it either."""
    async with open_world(tmp_path, workers=2) as world:
        async with world.serving() as server:
            gate = Gate()
            world.model.script("the tea", hold(gate), times=1)
            await world.say("@Ada echo: the tea is cold")
            await gate.reached()
            await world.answer(await world.say("@Ada new"))
            gate.release()
            await log.until("session_renewed")
            assert await server.settled() == {"accepted": 2, "answered": 2}
            assert (world.session_files(), world.transcripts()) == ([], [])
        async with world.serving() as server:
            await knows_nothing(world, server)


async def test_one_persons_session(tmp_path: Path) -> None:
    """With `scope = "user"` it is only Kim's that begins anew."""
    async with open_world(tmp_path) as world:
        world.write_bot("ada", '[session]\nscope = "user"\n')
        async with world.serving():
            for person in (world.kim, world.lee):
                await world.ask(f"@Ada my name is {person.name}", person=person)
            await world.ask("@Ada new")
            assert "2 turns" in await world.ask("@Ada count the turns", person=world.lee)
            assert "1 turn" in await world.ask("@Ada count the turns")
