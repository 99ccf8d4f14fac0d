"""What never arrived is found in the room's history and answered, once."""

from pathlib import Path

import pytest

from bot.language.english import ENGLISH
from bot.testing.campfire import Campfire
from bot.testing.campfire.records import Dialect
from bot.testing.model import Gate, hold
from tests.e2e.disk import Disk
from tests.e2e.watching import Log
from tests.e2e.world import UNGUARDED, World, open_world


async def _meet(world: World) -> None:
    """Have Ada know her rooms, with a cursor: a first start, a word in each, a second start."""
    async with world.serving() as server:
        await world.ask("@Ada my name is Kim")
        await world.answer(await world.say("hello", room=world.direct, mention=()))
        await server.settled()
    async with world.serving():
        await world.campfire.wait_until(
            lambda campfire: sum(call.method == "GET" for call in campfire.api_calls) >= 2
        )


async def test_what_was_said_while_nobody_listened_is_answered(tmp_path: Path) -> None:
    """Mentions and direct messages that met a closed port are answered after the start, once."""
    async with open_world(tmp_path) as world:
        await _meet(world)
        mention = await world.campfire.say(
            world.room, world.kim, "@Ada what is my name?", mention=[world.ada], deliver=False
        )
        await world.campfire.say(world.room, world.kim, "nothing for her", deliver=False)
        direct = await world.campfire.say(world.direct, world.kim, "still there?", deliver=False)
        async with world.serving() as server:
            assert "Kim" in await world.answer(mention)
            assert "still there" in await world.answer(direct)
            assert (await server.settled()) == {"accepted": 4, "answered": 4}
        assert world.campfire.violations == ()


async def test_a_new_room_is_known_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first word in a room is enough: what is said after the next look is caught up with."""
    monkeypatch.setattr("bot.app._CATCH_UP_S", 0.1)
    async with open_world(tmp_path) as world:
        async with world.serving() as server:
            await world.ask("@Ada my name is Kim")
            await server.settled()
            await world.campfire.wait_until(_was_read)
        said = await world.campfire.say(
            world.room, world.kim, "@Ada what is my name?", mention=[world.ada], deliver=False
        )
        async with world.serving():
            assert "Kim" in await world.answer(said)


async def test_a_new_room_is_caught_up_with_from_its_first_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the server ended before it had looked there at all."""
    async with open_world(tmp_path) as world:
        with monkeypatch.context() as patch:
            patch.setattr("bot.app._CATCH_UP_S", 3600.0)
            await world.campfire.say(
                world.room, world.kim, "@Ada hi", mention=[world.ada], deliver=False
            )
            async with world.serving() as server:
                await world.ask("@Ada my name is Kim")
                await server.settled()
        missed = await world.campfire.say(
            world.room, world.kim, "@Ada what is my name?", mention=[world.ada], deliver=False
        )
        async with world.serving() as server:
            assert "Kim" in await world.answer(missed)
            assert (await server.settled()) == {"accepted": 2, "answered": 2}


async def test_a_server_that_runs_looks_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What never arrived while it served is found at one of its looks, every five minutes."""
    monkeypatch.setattr("bot.app._CATCH_UP_S", 0.1)
    monkeypatch.setattr("bot.rooms.catch_up.EVERY_S", 0.2)
    async with open_world(tmp_path) as world, world.serving() as server:
        await world.ask("@Ada my name is Kim")
        missed = await world.campfire.say(
            world.room, world.kim, "@Ada what is my name?", mention=[world.ada], deliver=False
        )
        assert "Kim" in await world.answer(missed)
        assert (await server.settled()) == {"accepted": 2, "answered": 2}


async def test_a_history_that_fails_is_read_again_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    """A Campfire that is away at the start is caught up with once it is there, not in minutes."""
    monkeypatch.setattr("bot.app._CATCH_UP_S", 0.1)
    async with open_world(tmp_path) as world:
        await _meet(world)
        missed = await world.campfire.say(
            world.room, world.kim, "@Ada what is my name?", mention=[world.ada], deliver=False
        )
        world.campfire.fail_reads(503, times=4)
        async with world.serving() as server:
            await log.until("catch_up_put_off")
            assert "Kim" in await world.answer(missed)
            assert (await server.settled()) == {"accepted": 3, "answered": 3}


async def test_what_a_full_disk_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Log, disk: Disk
) -> None:
    """Campfire does not send it again: it is looked for as soon as the disk takes it."""
    monkeypatch.setattr("bot.app._CATCH_UP_S", 0.1)
    async with open_world(tmp_path) as world:
        await _meet(world)
        async with world.serving() as server:
            await world.ask("@Ada hello")
            with disk.breaking():
                refused = await world.say("@Ada what is my name?")
                await log.until("delivery_refused")
                await log.until("catch_up_put_off")
            assert "Kim" in await world.answer(refused)
            assert (await server.settled()) == {"accepted": 4, "answered": 4}


async def test_an_outage_that_a_post_met(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    """What could not be posted could not be delivered: the rooms are read when it is over."""
    monkeypatch.setattr("bot.app._CATCH_UP_S", 0.1)
    async with open_world(tmp_path) as world:
        await _meet(world)
        async with world.serving() as server:
            gate = Gate()
            world.model.script("wait", hold(gate), times=1)
            waits = await world.say("@Ada wait")
            await gate.reached()
            await world.campfire.refuse_connections()
            gate.release()
            await log.until("post_failed")
            missed = await world.campfire.say(
                world.room, world.kim, "@Ada what is my name?", mention=[world.ada], deliver=False
            )
            await world.campfire.accept_connections()
            await world.answer(waits)
            assert "Kim" in await world.answer(missed)
            assert (await server.settled()) == {"accepted": 4, "answered": 4}


def _was_read(campfire: Campfire) -> bool:
    return any(call.method == "GET" for call in campfire.api_calls)


async def test_what_arrived_is_not_answered_again(tmp_path: Path, log: Log) -> None:
    """What a delivery brought is known when the history shows it too."""
    async with open_world(tmp_path) as world:
        await _meet(world)
        async with world.serving() as server:
            await world.ask("@Ada what is my name?")
            await server.settled()
        async with world.serving() as server:
            await log.until("resumed")
            assert (await server.settled()) == {"accepted": 3, "answered": 3}
        assert len(world.said_by(world.ada)) == 2


async def test_what_is_too_old_is_skipped(tmp_path: Path, log: Log) -> None:
    """A message older than the limit is counted as skipped, and one line says so."""
    async with open_world(tmp_path) as world:
        await _meet(world)
        await world.campfire.say(
            world.room, world.kim, "@Ada too late", mention=[world.ada], deliver=False
        )
        async with world.serving({"HEARTH_CATCH_UP": "0.001s"}) as server:
            line = await log.until("messages_too_old")
            assert line["skipped"] == 1
            assert (await server.settled()) == {"accepted": 3, "answered": 2, "skipped": 1}


async def test_a_released_campfire_has_no_history(tmp_path: Path, log: Log) -> None:
    """Without a history there is nothing to catch up with, and no error."""
    async with open_world(tmp_path, dialect=Dialect.RELEASED) as world:
        async with world.serving() as server:
            await world.ask("@Ada hello")
            await server.settled()
        async with world.serving() as server:
            assert "Kim" not in await world.ask("@Ada are you there?")
            assert (await server.settled()) == {"accepted": 2, "answered": 2}
        assert log.find("catch_up_refused") == log.find("catch_up_put_off") == []


async def test_old_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Log) -> None:
    """What a command asks about is another thing by now; what it forgets came before it."""
    async with open_world(tmp_path) as world:
        await _meet(world)
        for word in ("status", "new"):
            await world.campfire.say(
                world.room, world.kim, f"@Ada {word}", mention=[world.ada], deliver=False
            )
        monkeypatch.setattr("bot.rooms.catch_up.EVERY_S", 0.0)
        async with world.serving() as server:
            await log.until("messages_too_old", skipped=1)
            assert await server.settled() == {"accepted": 4, "answered": 3, "skipped": 1}
            assert world.said_by(world.ada)[-1] == ENGLISH.renewed


async def test_what_was_missed_is_bounded(tmp_path: Path) -> None:
    """Of six messages that Kim lost at once, two may wait; of the others she is told, once."""
    async with open_world(tmp_path) as world:
        world.write_bot("ada", "[turn]\nmax_waiting_each = 2\n" + UNGUARDED)
        await _meet(world)
        for number in range(6):
            await world.campfire.say(
                world.room, world.kim, f"@Ada number {number}", mention=[world.ada], deliver=False
            )
        gate = Gate()
        world.model.script("number", hold(gate))
        async with world.serving() as server:
            await server.until("/queue/stats", lambda page: page["messages"]["told"] >= 3)
            gate.release()
            counted = await server.settled()
        assert counted["accepted"] == counted["answered"] + counted["told"] == 8
        assert counted["answered"] in {4, 5}  # the two in `_meet`, and what ran when they came
        told = [said for said in world.said_by(world.ada) if "Too many" in said]
        assert told == [ENGLISH.too_many_more.format(count=counted["told"])]
