"""kill -9 at every point of a message's way: one visible answer, and the agent asked once."""

import json
import re
import signal
import sqlite3
from pathlib import Path

import pytest

from bot.rooms.showing import Pace
from bot.testing.campfire import Campfire
from bot.testing.campfire.records import Dialect
from bot.testing.model import Gate, hold
from tests.e2e.process import serving_apart
from tests.e2e.world import PATIENCE_S, Running, World, open_world

_KILL = "from tests.e2e.killing import kill\n"
_JOURNAL = "bot.journal.journal:Journal"
_CAMPFIRE = "bot.platforms.campfire.campfire:Campfire"

#: Where the server ends, in the order of the way; the answer has several parts.
POINTS = {
    "after the commit, before the 204": ("after", f"{_JOURNAL}.accept"),
    "after the attempt is journaled, before the prompt": ("after", f"{_JOURNAL}.start_attempt"),
    "with the prompt on its way": ("before", "bot.agent.conversation:Conversation.ask"),
    "after the child answered, before that is recorded": ("before", f"{_JOURNAL}.freeze"),
    "after it is recorded, before the bytes": ("after", f"{_JOURNAL}.freeze"),
    "after the first post, before that is recorded": ("after", f"{_CAMPFIRE}.post"),
    "after that is recorded, before the second is sending": ("before", f"{_JOURNAL}.mark_sending"),
    "after the second is sending, before its bytes": ("after", f"{_JOURNAL}.mark_sending"),
    "after the last post, before it is settled": ("before", f"{_JOURNAL}.settle"),
    "after it is settled": ("after", f"{_JOURNAL}.settle"),
}
#: Where a part is left of which nobody knows whether it arrived.
UNKNOWN = {
    "after it is recorded, before the bytes",
    "after the first post, before that is recorded",
    "after the second is sending, before its bytes",
    "after the last post, before it is settled",
}

_QUESTION = "@Ada give me a long answer about the tea"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a doubt last 2 s in this process, where servers are started again, instead of 20."""
    monkeypatch.setattr("bot.rooms.lookup.POST_TIMEOUT_S", 2.0)


async def crash(world: World, text: str, point: str) -> None:
    """Serve until what Kim says ends the server at *point*."""
    when, target = POINTS[point]
    fault = f"{_KILL}kill({when!r}, {target!r})"
    async with serving_apart(world, fault=fault) as server:
        await world.say(text)
        assert await server.ended() == -signal.SIGKILL


def asked(world: World) -> set[int]:
    """Return how often the requests to the model hold the question."""
    requests = (request.turns for request in world.model.requests)
    return {sum("about the tea" in turn for turn in turns) for turns in requests}


def repeats(world: World) -> int:
    """Count the parts that are known as possible duplicates."""
    with sqlite3.connect(f"file:{world.cache / 'journal.db'}?mode=ro", uri=True) as db:
        (count,) = db.execute("SELECT total(possible_duplicate) FROM outbox").fetchone()
    db.close()
    return int(count)


async def hear_it_whole(world: World, server: Running) -> list[str]:
    """Wait until it is settled; see that the agent knows of it once. Return what was said.

    From its transcript, or from a recap when it was killed before it had written that down.
    """
    assert await server.settled() == {"accepted": 1, "answered": 1}
    said = world.said_by(world.ada)
    await world.ask("@Ada and now?")
    assert asked(world) == {1}
    assert "paragraph 1 of" in json.dumps(world.model.requests[-1].body)
    assert world.campfire.violations == ()
    return said


def paragraphs(said: list[str]) -> list[int]:
    """Return the numbers of the paragraphs, as they stand in the room."""
    return [int(number) for number in re.findall(r"paragraph (\d+) of", "\n".join(said))]


@pytest.mark.parametrize("point", POINTS)
async def test_one_answer(tmp_path: Path, point: str) -> None:
    """With a history: the whole answer stands in the room, once, and nothing is called unknown."""
    async with open_world(tmp_path, dialect=Dialect.MAIN) as world:
        await crash(world, _QUESTION, point)
        async with world.serving() as server:
            said = await hear_it_whole(world, server)
        assert len(world.transcripts()) == 1
        assert len(said) > 1
        assert paragraphs(said) == list(range(1, 41))
        assert repeats(world) == 0


@pytest.mark.parametrize("point", sorted(UNKNOWN))
async def test_one_marked_repeat(tmp_path: Path, point: str) -> None:
    """Without a history: one part may stand there twice, and is known to."""
    async with open_world(tmp_path, dialect=Dialect.RELEASED) as world:
        await crash(world, _QUESTION, point)
        async with world.serving() as server:
            said = await hear_it_whole(world, server)
        assert len(world.transcripts()) == 1
        assert sorted(set(paragraphs(said))) == list(range(1, 41))
        assert len(said) - len(set(said)) == ("post, before" in point)
        assert repeats(world) == 1


async def test_during_the_turn(tmp_path: Path) -> None:
    """While the model speaks: it is asked again, and the agent remembers one question."""
    async with open_world(tmp_path) as world:
        gate = Gate()
        world.model.script("the tea", hold(gate, after_tokens=1), times=1)
        async with serving_apart(world) as server:
            await world.say(_QUESTION)
            await gate.reached()
            await world.written("the tea")
            server.signal(signal.SIGKILL)
            await server.ended()
        async with world.serving() as restarted:
            said = await hear_it_whole(world, restarted)
        assert len(world.transcripts()) == 1
        assert paragraphs(said) == list(range(1, 41))


async def test_a_post_that_arrives_after_the_restart(tmp_path: Path) -> None:
    """The platform was slow: what was not in the room at the first look is there at the second."""
    async with open_world(tmp_path) as world:
        gate = Gate()
        world.campfire.slow_posts(gate)
        async with serving_apart(world) as server:
            await world.say("@Ada echo: the tea is cold")
            await gate.reached()
            server.signal(signal.SIGKILL)
            await server.ended()
        async with world.serving() as restarted:
            await world.campfire.wait_until(_has_looked, timeout_s=PATIENCE_S)
            gate.release()
            assert await restarted.settled() == {"accepted": 1, "answered": 1}
        assert world.said_by(world.ada) == ["the tea is cold"]


def _has_looked(campfire: Campfire) -> bool:
    return any(call.method == "GET" for call in campfire.api_calls)


async def test_a_connection_that_breaks_after_the_post(tmp_path: Path) -> None:
    """In a server that runs: the post is found in the room, and is not sent again."""
    async with open_world(tmp_path) as world, world.serving() as server:
        world.campfire.drop_after_accept()
        assert await world.ask("@Ada echo: the tea is cold") == "the tea is cold"
        assert await server.settled() == {"accepted": 1, "answered": 1}
        assert world.said_by(world.ada) == ["the tea is cold"]
        assert repeats(world) == 0


_SIGNS = "bot.journal.signs:Signs"
_PACE = "import bot.app; from bot.rooms.showing import Pace\nbot.app.PACE = Pace(seen_s=0, {})\n"
_SOON = _PACE.format("placeholder_s=0.05, edit_s=0.02, anew_s=600")
_ANEW = _PACE.format("placeholder_s=0.05, edit_s=0.02, anew_s=0")

#: Where the server ends while the room shows that a turn is under way.
SIGNS = {
    "after the reaction is journaled, before its bytes": (_SOON, "after", f"{_SIGNS}.claim", 1),
    "after the placeholder is sending, before its bytes": (_SOON, "after", f"{_SIGNS}.claim", 2),
    "after the placeholder is posted, before that is recorded": (
        _SOON, "after", f"{_CAMPFIRE}.post", 1,
    ),
    "with a posted placeholder": (_SOON, "after", f"{_CAMPFIRE}.edit", 2),
    "after the placeholder is to become the answer": (_SOON, "after", f"{_JOURNAL}.freeze", 1),
    "after the placeholder became the answer": (_SOON, "before", f"{_JOURNAL}.settle", 1),
    "after it is settled, before the end is shown": (_SOON, "after", f"{_JOURNAL}.settle", 1),
    "after the answer was posted anew": (_ANEW, "before", f"{_JOURNAL}.settle", 1),
    "before the placeholder is removed": (_ANEW, "before", f"{_CAMPFIRE}.remove", 1),
    "after the placeholder was removed": (_ANEW, "after", f"{_CAMPFIRE}.remove", 1),
    "after the end is journaled, before it is shown": (_SOON, "after", f"{_SIGNS}.end", 1),
}  # fmt: skip


@pytest.mark.parametrize("point", SIGNS)
async def test_no_sign_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """One answer in the room, no placeholder, and nothing that was shown is shown twice."""
    monkeypatch.setattr("bot.app.PACE", Pace(seen_s=0, placeholder_s=0.05, edit_s=0.02))
    monkeypatch.setattr("bot.app._CLEARING_S", 0.2)
    pace, when, target, call = SIGNS[point]
    fault = f"{_KILL}kill({when!r}, {target!r}, {call})"
    async with open_world(tmp_path, dialect=Dialect.MAIN) as world:
        async with serving_apart(world, fault=fault, pace=pace) as server:
            said = await world.say("@Ada [drip 50ms] echo: all about the tea and the coffee")
            assert await server.ended() == -signal.SIGKILL
        async with world.serving() as restarted:
            assert await restarted.settled() == {"accepted": 1, "answered": 1}
            await restarted.until("/queue/stats", lambda _: not shown(world))
        assert world.said_by(world.ada) == ["all about the tea and the coffee"]
        (question,) = [m for m in world.campfire.room(world.room).messages if m.id == said.id]
        reactions = [boost.content for boost in question.boosts]
        assert len(reactions) == len(set(reactions))
        assert set(reactions) <= {"👀", "✅"}
        assert ("👀" in reactions) or "reaction" in point
        assert ("✅" in reactions) or "before it is shown" in point
        assert asked(world) == {1}
        assert repeats(world) == 0
        assert world.campfire.violations == ()


def shown(world: World) -> list[str]:
    """Return the signs that are to be brought to their end."""
    with sqlite3.connect(f"file:{world.cache / 'journal.db'}?mode=ro", uri=True) as db:
        left = db.execute("SELECT html FROM outbox WHERE kind = 'progress' AND number < 2")
        rows = [html for (html,) in left]
    db.close()
    return rows
