"""Bots never answer each other without end."""

import random
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.language.english import ENGLISH
from bot.testing.campfire.records import Account, Dialect, RoomKind
from tests.e2e.partner import partner
from tests.e2e.process import serving_apart
from tests.e2e.watching import Log
from tests.e2e.world import Running, open_world

BOTH = pytest.mark.parametrize("dialect", [Dialect.MAIN, Dialect.RELEASED])


def echo(heard: str) -> str:
    """Say it again."""
    return f"@Ada {heard}"


def novelist(seed: int = 5) -> Callable[[str], str]:
    """Return somebody who always has something long and new to say."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    return lambda _heard: "@Ada " + "".join(chance.choices("abcdefgh ", k=200))


async def over(server: Running, *, skipped: int = 1) -> dict[str, int]:
    """Wait until the last word of a loop is skipped, after which there is none; return the sums."""
    await server.until("/queue/stats", lambda page: page["messages"]["skipped"] >= skipped)
    return await server.settled()


@BOTH
@pytest.mark.parametrize("kind", ["bot", "person"])
async def test_an_echo_ends(tmp_path: Path, dialect: Dialect, kind: str) -> None:
    """In both Campfires, and whatever account it has: some answers, one sentence, then silence.

    Kim is answered in between, and after Kim's word the echo is, too.
    """
    async with open_world(tmp_path, dialect=dialect) as world:
        account: Account = (
            world.campfire.add_bot("Parrot") if kind == "bot" else world.campfire.add_person("Pat")
        )
        async with world.serving() as server, partner(world, account, echo) as parrot:
            await parrot.begin("@Ada how are you today, my dear friend?")
            sums = await over(server)
            assert sums["told"] == sums["skipped"] == 1
            assert 4 <= sums["answered"] <= 5
            assert parrot.said == sum(sums.values()) - sums["accepted"]
            assert world.said_by(world.ada)[-1] == ENGLISH.looped
            before = sums["answered"]

            said = await world.say("@Ada my name is Kim")
            assert "Kim" in await world.answer(said)
            sums = await over(server, skipped=2)
            assert (sums["told"], sums["skipped"]) == (2, 2)
            assert before + 1 < sums["answered"] <= before + 6
        assert world.said_by(world.ada).count(ENGLISH.looped) == 2
        assert world.campfire.violations == ()


@BOTH
async def test_somebody_who_never_says_the_same_ends(tmp_path: Path, dialect: Dialect) -> None:
    """The main branch says that it is a bot; a released one does not, but nobody types so fast."""
    async with open_world(tmp_path, dialect=dialect) as world:
        novel = world.campfire.add_bot("Novel")
        async with world.serving() as server, partner(world, novel, novelist()) as writer:
            await writer.begin("@Ada hello")
            sums = await over(server)
            answered = 4 if dialect is Dialect.MAIN else 17
            assert sums == {
                "accepted": answered + 2,
                "answered": answered,
                "told": 1,
                "skipped": 1,
            }


async def test_a_direct_room_of_two_bots(tmp_path: Path) -> None:
    """Where everything calls everybody, the announcement too."""
    async with open_world(tmp_path) as world:
        parrot = world.campfire.add_bot("Parrot")
        room = world.campfire.add_room(kind=RoomKind.DIRECT, members=[parrot, world.ada])
        async with world.serving() as server, partner(world, parrot, echo, room=room) as bird:
            await bird.begin("how are you today, my dear friend?")
            sums = await over(server)
            assert (sums["told"], sums["skipped"]) == (1, 1)
            assert sums["answered"] <= 5


async def test_a_restart_does_not_begin_it_anew(tmp_path: Path) -> None:
    """What is known of a loop survives kill -9, in its middle and after its end."""
    async with open_world(tmp_path, dialect=Dialect.RELEASED) as world:
        parrot = world.campfire.add_bot("Parrot")
        async with serving_apart(world) as server, partner(world, parrot, echo) as bird:
            await bird.begin("@Ada how are you today, my dear friend?")
            await world.campfire.wait_until(lambda _: len(world.said_by(world.ada)) == 3)
            server.signal(signal.SIGKILL)
            assert await server.ended() == -signal.SIGKILL
        async with world.serving() as server, partner(world, parrot, echo):
            await over(server)
        # Five, and one more that was posted and not yet recorded when the server was killed.
        assert 5 <= len(world.said_by(world.ada)) <= 7
        async with world.serving() as server, partner(world, parrot, echo):
            await over(server, skipped=2)
        assert world.said_by(world.ada).count(ENGLISH.looped) == 1


async def test_bots_are_known_from_the_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What catching up reads says who is a bot, before that one has said a word to ours."""
    monkeypatch.setattr("bot.app._CATCH_UP_S", 0.1)
    async with open_world(tmp_path) as world:
        parrot = world.campfire.add_bot("Parrot")
        await world.campfire.say(world.room, parrot, "nothing for her", deliver=False)
        async with world.serving() as server:
            await world.ask("@Ada my name is Kim")
            await server.settled()
            # The turn reads the room, then catching up does, and goes on from its first word.
            await world.campfire.wait_until(
                lambda campfire: sum(call.method == "GET" for call in campfire.api_calls) >= 3
            )
        with sqlite3.connect(f"file:{world.cache / 'journal.db'}?mode=ro", uri=True) as db:
            known = db.execute("SELECT author_id, author_name FROM known_bot").fetchall()
        db.close()
    assert (str(parrot.id), "Parrot") in known
    assert (str(world.kim.id), "Kim") not in known


async def test_a_loop_is_counted_and_logged(tmp_path: Path, log: Log) -> None:
    """One line with its author's id, and two numbers for Prometheus."""
    async with open_world(tmp_path) as world:
        world.write_bot("ada", 'language = "de"\n[loops]\ndepth = 1\n')
        parrot = world.campfire.add_bot("Parrot")
        async with world.serving() as server, partner(world, parrot, echo) as bird:
            await bird.begin("@Ada how are you today, my dear friend?")
            await over(server)
            line = await log.until("loop_ended")
            assert (line["bot"], line["author"], line["why"]) == (
                "ada",
                str(parrot.id),
                "loop_guard",
            )
            page = (await server.request("GET", "/metrics")).text
            assert 'hearth_loops_total{what="announced"} 1.0' in page
            assert 'hearth_loops_total{what="skipped"} 1.0' in page
        assert "eine Maschine und ich" in world.said_by(world.ada)[-1]
