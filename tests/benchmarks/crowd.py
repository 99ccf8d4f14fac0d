"""A hundred people in ten rooms, a model that takes a second, questions in bursts.

To reach: everybody answered once and in order; the table shows where the time goes.
"""

import asyncio
import re
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

import uvloop

from bot.testing.campfire.directory import Room
from bot.testing.campfire.records import Message, PersonAccount
from tests.benchmarks.stage import Stage, open_stage

_ROOMS = 10
_PEOPLE = 100
_BURSTS = 3
_MODEL_S = 1
_PATIENCE_S = 300.0
_NUMBER = re.compile(r"number (\d+)")


async def main() -> None:
    """Let them all speak, burst by burst, and look at what came back."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_stage(Path(folder)) as stage, stage.serving() as served:
            people = [stage.campfire.add_person(f"Person {number}") for number in range(_PEOPLE)]
            groups = [people[number::_ROOMS] for number in range(_ROOMS)]
            rooms = [
                stage.campfire.add_room(f"Room {number}", members=[stage.ada, *group])
                for number, group in enumerate(groups)
            ]
            started = time.perf_counter()
            asked: list[Message] = []
            for burst in range(_BURSTS):
                asked += await _burst(stage, rooms, groups, burst)
                await asyncio.sleep(1)
            await _everybody_answered(stage, rooms, len(asked))
            took = time.perf_counter() - started
            _report(stage, rooms, asked, took)
            queues = await served.get("/queue/stats")
            print(f"the server's own count: {queues['messages']}")


async def _burst(
    stage: Stage, rooms: list[Room], groups: list[list[PersonAccount]], burst: int
) -> list[Message]:
    """Have everybody say something, all rooms at the same time."""
    said = []
    for speakers in zip(*groups, strict=True):
        for room, person in zip(rooms, speakers, strict=True):
            text = f"@Ada [wait {_MODEL_S}s] echo: number {person.id}{burst:02}"
            said.append(await stage.campfire.say(room, person, text, mention=[stage.ada]))
    return said


async def _everybody_answered(stage: Stage, rooms: list[Room], count: int) -> None:
    await stage.campfire.wait_until(
        lambda _: sum(len(_answers(stage, room)) for room in rooms) >= count,
        timeout_s=_PATIENCE_S,
    )


def _answers(stage: Stage, room: Room) -> list[Message]:
    messages = stage.campfire.room(room).messages
    return [message for message in messages if message.creator.id == stage.ada.id]


def _report(stage: Stage, rooms: list[Room], asked: list[Message], took: float) -> None:
    waits, disorder, missing = [], 0, 0
    for room in rooms:
        mine = [message for message in asked if message.room_id == room.id]
        answers = {_number(message): message for message in _answers(stage, room)}
        order = [_number(message) for message in _answers(stage, room)]
        disorder += sum(1 for a, b in zip([_number(m) for m in mine], order, strict=True) if a != b)
        for message in mine:
            answer = answers.get(_number(message))
            missing += answer is None
            if answer is not None:
                waits.append((answer.created_at - message.created_at).total_seconds())
    least = len(asked) / len(rooms) * _MODEL_S
    ninetieth = quantiles(waits, n=10)[-1]
    print(
        f"{len(asked)} questions, {missing} lost, {disorder} out of order; {took:.1f} s in all,"
        f" of which the model alone takes {least:.0f} s: ratio {took / least:.2f}\n"
        f"a person waits {median(waits):.1f} s (median), {ninetieth:.1f} s (90 %)"
    )


def _number(message: Message) -> str:
    found = _NUMBER.search(message.plain)
    return found[1] if found else ""


if __name__ == "__main__":
    uvloop.run(main())
