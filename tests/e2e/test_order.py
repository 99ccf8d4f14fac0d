"""One turn at a time in a room, in order; rooms do not wait for each other."""

import asyncio
import re
from pathlib import Path

from bot.testing.campfire.directory import Room
from bot.testing.campfire.records import Fate
from bot.testing.model import Gate, hold
from tests.e2e.world import World, open_world

_ROOMS = ("Watercooler", "Kitchen", "Workshop")
_EACH = 10


def numbers(texts: list[str], room: str) -> list[int]:
    """Return the numbers that a room's questions or answers carry, in the order of *texts*."""
    found = (re.search(rf"{room} (\d+)", text) for text in texts)
    return [int(match[1]) for match in found if match]


def the_rooms(world: World) -> list[Room]:
    """Return three rooms in which everybody is."""
    people = [world.kim, world.lee, world.ada, world.bo]
    return [world.campfire.add_room(name, members=people) for name in _ROOMS]


async def test_bursts_are_answered_in_order(tmp_path: Path) -> None:
    """Thirty messages in three rooms, delivered in disorder: each room gets its own, in order."""
    async with open_world(tmp_path, workers=4) as world, world.serving() as server:
        rooms, gate = the_rooms(world), Gate()
        world.model.script(lambda _: True, hold(gate), times=len(rooms))
        for number in range(_EACH):
            for room in rooms:
                who = (world.kim, world.lee)[number % 2]
                text = f"@Ada echo: {room.name} {number}"
                await world.say(text, room=room, person=who)
        await gate.reached(len(rooms))
        await world.campfire.delivered()
        assert len(world.model.requests) == len(rooms)
        queues = await server.get("/queue/stats")
        assert [(lane["open"], lane["running"]) for lane in queues["lanes"]] == [(_EACH, True)] * 3
        gate.release()
        assert await server.settled() == {"accepted": 30, "answered": 30}
        asked = [request.question.text for request in world.model.requests]
        for room in rooms:
            order = numbers(asked, room.name)
            assert sorted(order) == list(range(_EACH))
            # Whatever came first was started; all others were there when it ended.
            assert order[1:] == sorted(order[1:])
            assert numbers(world.said_by(world.ada, room), room.name) == order


async def test_a_repeated_delivery_is_answered_once(tmp_path: Path) -> None:
    """However often and whenever it is repeated: at once, later, after a restart."""
    async with open_world(tmp_path) as world:
        async with world.serving() as server:
            gate = Gate()
            world.model.script("the tea", hold(gate), times=1)
            said = await world.say("@Ada echo: the tea is cold")
            await gate.reached()
            again = [world.campfire.redeliver(said, world.ada) for _ in range(5)]
            fates = [delivery.fate for delivery in await asyncio.gather(*again) if delivery]
            assert fates == [Fate.SILENT] * 5
            gate.release()
            await world.answer(said)
            await world.campfire.redeliver(said, world.ada)
            assert await server.settled() == {"accepted": 1, "answered": 1}
        async with world.serving() as server:
            await world.campfire.redeliver(said, world.ada)
            assert await server.settled() == {"accepted": 1, "answered": 1}
        assert world.said_by(world.ada) == ["the tea is cold"]
        assert len(world.model.requests) == 1


async def test_bots_of_a_room_take_turns(tmp_path: Path) -> None:
    """The lane is the room: Bo waits until Ada has answered."""
    async with open_world(tmp_path) as world:
        world.write_bot("bo")
        async with world.serving() as server:
            gate = Gate()
            world.model.script("the tea", hold(gate), times=1)
            to_ada = await world.say("@Ada echo: the tea is cold")
            await gate.reached()
            to_bo = await world.say("@Bo echo: the milk is sour", mention=[world.bo])
            await world.campfire.delivered()
            (lane,) = (await server.get("/queue/stats"))["lanes"]
            assert (lane["open"], lane["running"]) == (2, True)
            assert len(world.model.requests) == 1
            gate.release()
            await world.answer(to_bo, by=world.bo)
            await world.answer(to_ada)
            texts = [message.plain for message in world.campfire.room(world.room).messages]
            assert texts.index("the tea is cold") < texts.index("the milk is sour")


async def test_a_bot_with_a_lane_of_its_own_does_not_wait(tmp_path: Path) -> None:
    """With `lane = "bot"`, two bots of a room think at the same time."""
    async with open_world(tmp_path) as world:
        for bot in ("ada", "bo"):
            world.write_bot(bot, '[turn]\nlane = "bot"\n')
        async with world.serving() as server:
            gate = Gate()
            world.model.script("echo", hold(gate), times=2)
            await world.say("@Ada echo: the tea is cold")
            await world.say("@Bo echo: the milk is sour", mention=[world.bo])
            await gate.reached(2)
            assert (await server.get("/queue/stats"))["running"] == 2
            gate.release()
            assert await server.settled() == {"accepted": 2, "answered": 2}
