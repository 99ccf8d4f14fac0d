"""One sees that it works: a reaction, a message that grows, and how it ended; or one notice."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bot.language.english import ENGLISH
from bot.platforms.campfire.markup import render_markdown
from bot.rooms.presentable import presentable
from bot.rooms.showing import Pace
from bot.testing.campfire import Dialect, Message
from bot.testing.model import Gate, drip, fail, hold
from bot.testing.model.persona import CODE, LONG, TABLE
from tests.e2e.process import serving_apart
from tests.e2e.watching import Log
from tests.e2e.world import PATIENCE_S, Running, World, open_world

#: As usual, with less waiting.
QUICK = Pace(seen_s=0.0, placeholder_s=0.05, edit_s=0.02, anew_s=600.0)
#: Every turn takes long.
ANEW = Pace(seen_s=0.0, placeholder_s=0.05, edit_s=0.02, anew_s=0.0)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show soon what takes seconds otherwise."""
    monkeypatch.setattr("bot.app.PACE", QUICK)


def reactions(world: World, message: Message) -> list[str]:
    """Return what the bots have put on a message."""
    found = world.campfire.room(message.room_id).find(message.id)
    return [] if found is None else [boost.content for boost in found.boosts]


def by_ada(world: World) -> list[Message]:
    """Return Ada's messages, as they stand in the Watercooler."""
    messages = world.campfire.room(world.room).messages
    return [message for message in messages if message.creator.id == world.ada.id]


def texts(message: Message) -> list[str]:
    """Return what a message has said, one text after the other."""
    return [*message.edits, message.html or ""]


async def until(world: World, holds: Callable[[], bool]) -> None:
    """Wait for something in the chat."""
    await world.campfire.wait_until(lambda _: holds(), timeout_s=PATIENCE_S)


def signs(world: World) -> list[tuple[int, str]]:
    """Return what the outbox knows of progress: number and state."""
    path = world.cache / "journal.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        rows = db.execute("SELECT number, state FROM outbox WHERE kind = 'progress' ORDER BY 1")
        return rows.fetchall()


async def grow(world: World, server: Running, text: str) -> tuple[Message, Message]:
    """Have Ada answer *text* word by word; return the question, and her message at the end.

    Before the last word everybody waits until the room shows all that can be shown: it closes a
    fence, so that there is nothing more to show before the answer.
    """
    text += "\n\n```\nend\n```"
    tokens, gate = re.findall(r"\s*\S+|\s+$", text), Gate()
    slowly = replace(drip(0.02, text), pause=gate, after_tokens=len(tokens) - 1)
    world.model.script("tell me", slowly)
    said = await world.say("@Ada tell me")
    so_far = presentable("".join(tokens[:-1]))
    (last,) = render_markdown(f"{so_far}\n\n⏳")
    await until(world, lambda: [message.html for message in by_ada(world)] == [last])
    for _ in range(3):
        await server.get("/queue/stats")  # by then it has read the answer to its edit
    gate.release()
    await until(world, lambda: reactions(world, said) == ["👀", "✅"])
    (answer,) = by_ada(world)
    return said, answer


async def test_an_answer_grows_and_becomes_whole(tmp_path: Path) -> None:
    """One message, edited until it is the answer; the question shows that it was seen."""
    async with open_world(tmp_path) as world, world.serving() as server:
        _, answer = await grow(
            world, server, "the tea is cold, and so is *the coffee*, and I am sorry"
        )
        assert await server.settled() == {"accepted": 1, "answered": 1}
        first, *grown, last = texts(answer)
        whole = (
            "<p>the tea is cold, and so is <em>the coffee</em>, and I am sorry</p><pre>end</pre>"
        )
        assert (first, last) == ("<p>⏳</p>", whole)
        assert len(grown) > 2
        assert all(text.startswith("<p>the") and text.endswith("</p><p>⏳</p>") for text in grown)
        assert world.campfire.violations == ()
        assert signs(world) == [(3, "posted")]


async def test_a_long_turn_ends_with_a_new_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is posted, so that people are notified, and then the placeholder goes."""
    monkeypatch.setattr("bot.app.PACE", ANEW)
    async with open_world(tmp_path) as world, world.serving() as server:
        said = await world.say("@Ada [drip 60ms] echo: the tea is cold")
        await until(world, lambda: bool(by_ada(world)))
        (placeholder,) = by_ada(world)
        answer = await world.campfire.answer_to(said, by=world.ada, timeout_s=PATIENCE_S)
        assert answer.id > placeholder.id
        await until(world, lambda: reactions(world, said) == ["👀", "✅"])
        await until(world, lambda: world.said_by(world.ada) == ["the tea is cold"])
        assert await server.settled() == {"accepted": 1, "answered": 1}


async def test_an_answer_at_once_needs_no_signs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is answered before anything is due sees the answer only, for one request."""
    monkeypatch.setattr("bot.app.PACE", Pace(seen_s=600.0))
    async with open_world(tmp_path) as world, world.serving() as server:
        said = await world.say("@Ada echo: hot")
        assert await world.answer(said) == "hot"
        assert await server.settled() == {"accepted": 1, "answered": 1}
        assert [call.method for call in world.campfire.api_calls if call.method != "GET"] == [
            "POST"
        ]
        assert reactions(world, said) == []
        assert signs(world) == []


async def test_a_failed_turn_shows_it(tmp_path: Path) -> None:
    """The sentence takes the place of the answer that had begun, and the question a cross."""
    async with open_world(tmp_path) as world, world.serving() as server:
        gate = Gate()
        world.model.script("the tea", hold(gate, after_tokens=3), times=1)
        world.model.script("the tea", fail(400), times=1)
        said = await world.say("@Ada the tea")
        await until(world, lambda: reactions(world, said) == ["👀", "❌"])
        assert await server.settled() == {"accepted": 1, "told": 1}
        (told,) = world.said_by(world.ada)
        assert "⏳" not in told


async def test_a_turn_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    """What had begun to grow goes; the room sees that there will be no answer."""
    async with open_world(tmp_path) as world, world.serving() as server:
        gate = Gate()
        world.model.script("the tea", hold(gate, after_tokens=4), times=1)
        said = await world.say("@Ada echo: the tea is cold and so is the coffee")
        await until(world, lambda: any(len(message.edits) > 0 for message in by_ada(world)))
        await world.say("@Ada stop")
        await until(world, lambda: reactions(world, said) == ["👀", "❌"])
        await until(world, lambda: not any(message.grows for message in by_ada(world)))
        assert (await server.settled())["stopped"] == 1
        gate.release()


@pytest.mark.parametrize("text", [TABLE + "\nThat is all.", CODE, LONG[:2_500]])
async def test_nothing_is_ever_shown_in_halves(tmp_path: Path, text: str) -> None:
    """Of a table or a fence there is all or nothing, in every state of the message."""
    async with open_world(tmp_path) as world, world.serving() as server:
        _, answer = await grow(world, server, text)
        *grown, whole = texts(answer)
        blocks = re.findall(r"<pre>.*?</pre>", whole, re.DOTALL)
        for state in grown:
            assert set(re.findall(r"<pre>.*?</pre>", state, re.DOTALL)) <= set(blocks)
            assert "```" not in state
            assert "**" not in state
        assert len(grown) > 2
        assert world.campfire.violations == ()


@pytest.mark.parametrize("status", [500, 404, 403, 503])
async def test_changes_that_fail_do_not_disturb(tmp_path: Path, status: int) -> None:
    """Whatever becomes of reactions and edits, the answer comes, once, and in time."""
    async with open_world(tmp_path) as world, world.serving() as server:
        await world.ask("@Ada echo: first")
        world.campfire.fail_changes(status, times=30)
        said = await world.say("@Ada [drip 40ms] echo: the tea is cold")
        await until(world, lambda: "the tea is cold" in world.said_by(world.ada))
        assert await server.settled() == {"accepted": 2, "answered": 2}
        assert world.said_by(world.ada).count("the tea is cold") == 1
        assert said.id


async def test_changes_that_hang_do_not_disturb(tmp_path: Path) -> None:
    """An edit that is not answered leaves the answer to a message of its own."""
    async with open_world(tmp_path) as world, world.serving() as server:
        gate = Gate()
        said = await world.say("@Ada [drip 40ms] echo: the tea is cold and the coffee is gone")
        await until(world, lambda: bool(by_ada(world)))
        world.campfire.slow_changes(gate)
        answer = await world.campfire.answer_to(said, by=world.ada, timeout_s=PATIENCE_S)
        assert answer.plain == "the tea is cold and the coffee is gone"
        assert await server.settled() == {"accepted": 1, "answered": 1}
        gate.release()
        await until(world, lambda: reactions(world, said) == ["👀", "✅"])
        await until(world, lambda: world.said_by(world.ada) == [answer.plain])


@pytest.mark.parametrize("dialect", [Dialect.RELEASED, Dialect.HALFWAY])
async def test_without_edits_there_is_one_notice(tmp_path: Path, dialect: Dialect) -> None:
    """A sentence, and then the answer; reactions where there are any."""
    async with open_world(tmp_path, dialect=dialect) as world:
        world.write_bot("ada", '\n[turn]\nnotice_after = "100ms"\n')
        gate = Gate()
        world.model.script("the tea", hold(gate, after_tokens=1), times=1)
        async with world.serving() as server:
            said = await world.say("@Ada echo: the tea is cold")
            await until(world, lambda: world.said_by(world.ada) == [ENGLISH.working])
            gate.release()
            await until(
                world, lambda: world.said_by(world.ada) == [ENGLISH.working, "the tea is cold"]
            )
            assert await server.settled() == {"accepted": 1, "answered": 1}
            if dialect is Dialect.HALFWAY:
                await until(world, lambda: reactions(world, said) == ["👀", "✅"])
            else:
                assert reactions(world, said) == []


@pytest.mark.parametrize(
    ("dialect", "rules"),
    [
        (Dialect.RELEASED, 'notice_after = "0s"'),
        (Dialect.RELEASED, 'progress = false\nnotice_after = "50ms"'),
        (Dialect.MAIN, "progress = false"),
    ],
)
async def test_it_can_be_switched_off(tmp_path: Path, dialect: Dialect, rules: str) -> None:
    """Then the room sees nothing before the answer."""
    async with open_world(tmp_path, dialect=dialect) as world:
        world.write_bot("ada", f"\n[turn]\n{rules}\n")
        async with world.serving() as server:
            said = await world.say("@Ada [drip 60ms] echo: the tea is cold and so is the coffee")
            await world.answer(said)
            assert await server.settled() == {"accepted": 1, "answered": 1}
            (answer,) = by_ada(world)
            assert (answer.edits, reactions(world, said)) == ((), [])


async def test_a_direct_room_sees_it_too(tmp_path: Path) -> None:
    """Nothing is different there."""
    async with open_world(tmp_path) as world, world.serving():
        gate = Gate()
        world.model.script("the tea", hold(gate, after_tokens=3), times=1)
        said = await world.say("echo: the tea is cold", room=world.direct, mention=[])

        def ada_said() -> list[str]:
            return world.said_by(world.ada, world.direct)

        await until(world, lambda: ada_said() == ["the tea\n\n⏳"])
        gate.release()
        await until(world, lambda: reactions(world, said) == ["👀", "✅"])
        await until(world, lambda: ada_said() == ["the tea is cold"])


async def test_what_cannot_be_removed_is_removed_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    """A Campfire that fails when a placeholder is to go is asked again."""
    still = Pace(seen_s=0.0, placeholder_s=0.05, edit_s=600.0, anew_s=0.0)
    monkeypatch.setattr("bot.app.PACE", still)
    monkeypatch.setattr("bot.app._CLEARING_S", 0.2)
    async with open_world(tmp_path) as world, world.serving() as server:
        gate = Gate()
        world.model.script("the tea", hold(gate, after_tokens=1), times=1)
        await world.say("@Ada echo: the tea is cold")
        await until(world, lambda: bool(by_ada(world)))
        world.campfire.fail_changes(503, times=2)
        gate.release()
        await server.settled()
        await log.until("placeholder_not_removed")
        await until(world, lambda: world.said_by(world.ada) == ["the tea is cold"])


async def test_at_the_usual_pace(tmp_path: Path) -> None:
    """As people see it: two seconds after the question there is a message that grows."""
    async with open_world(tmp_path) as world, serving_apart(world, pace="") as server:
        said = await world.say("@Ada [drip 300ms] echo: " + " ".join("abcdefghij"))
        await until(world, lambda: bool(by_ada(world)))
        assert reactions(world, said) == ["👀"]
        (placeholder,) = by_ada(world)
        assert (placeholder.created_at - said.created_at).total_seconds() >= 2.0
        assert await world.answer(said) == "a b c d e f g h i j"
        await until(world, lambda: reactions(world, said) == ["👀", "✅"])
        assert await server.settled() == {"accepted": 1, "answered": 1}
        await until(world, lambda: len(by_ada(world)) == 1)
