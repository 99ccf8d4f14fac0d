"""How soon a killed server with much to do goes on: ``python -m tests.chaos.restart``.

To reach: with 1,000 open messages in 50 rooms, the first turn starts within 2 s.
"""

import os
import sys
import tempfile
from pathlib import Path

import uvloop

from bot.testing.campfire import Dialect
from bot.testing.model import Gate, hold
from tests.chaos.load import Equation, Load
from tests.chaos.plan import Plan, Question, mark
from tests.chaos.records import History
from tests.chaos.recovery import recoveries
from tests.chaos.run import OPEN_CONVERSATIONS, gather, open_stage, serving
from tests.chaos.server import free_port
from tests.chaos.stage import Stage
from tests.guards import isolate

ROOMS = 50
MESSAGES = 1_000
#: For the first answer after the restart, on a machine that is busy with something else.
_PATIENCE_S = 90.0


def a_pile(*, rooms: int, messages: int) -> Plan:
    """Return a plan in which everything is asked at once and nothing goes wrong."""
    questions = tuple(
        Question(
            number=number,
            at_s=0.0,
            room=number % rooms,
            bot=0,
            deliveries=(number / 400,),  # not all in one moment: that is another benchmark
            marks=(mark(number),),
        )
        for number in range(messages)
    )
    nothing = {"strikes": (), "failings": ()}
    return Plan(seed=0, seconds=0.0, rooms=rooms, questions=questions, **nothing)


async def kill_a_busy_server(folder: Path, plan: Plan) -> History:
    """Have all of *plan* acknowledged and nothing answered, kill the server, and let it go on.

    Returns when the first answer after the restart stands in its room; most is open then.
    """
    async with open_stage(folder, dialect=Dialect.MAIN, rooms=plan.rooms) as stage:
        load, gate = Load(stage, plan), Gate()
        stage.misbehave(hold(gate), times=None)
        async with serving(stage, port=free_port(os.getpid())) as server:
            await Equation(server.url).started()
            await load.run()
            await gate.reached(min(plan.rooms, OPEN_CONVERSATIONS), timeout_s=_PATIENCE_S)
            await server.kill()
            gate.release()
            await _first_answer(stage)
        return gather(stage, load, server)


async def _first_answer(stage: Stage) -> None:
    await stage.campfire.wait_until(
        lambda _: any(not shown.growing for shown in stage.shown()), timeout_s=_PATIENCE_S
    )


def describe(history: History) -> str:
    """Return a line with the times from the start of the process."""
    (recovery,) = recoveries(history)
    listening, turn, answer = (
        "never" if moment is None else f"{moment:.2f} s"
        for moment in (recovery.listening_s, recovery.turn_s, recovery.answer_s)
    )
    return (
        f"{recovery.open} messages open after kill -9: listening after {listening}, first turn"
        f" started after {turn} (of 2 s), first answer in its room after {answer}\n"
    )


def main() -> None:
    """Measure once."""
    with tempfile.TemporaryDirectory(prefix="hearth-restart-") as home:
        isolate(os.environ, Path(home) / "home")
        folder = Path(home) / "run"
        folder.mkdir()
        plan = a_pile(rooms=ROOMS, messages=MESSAGES)
        history = uvloop.run(kill_a_busy_server(folder, plan))
    sys.stdout.write(describe(history))


if __name__ == "__main__":
    main()
