"""``python -m tests.chaos --seconds 360 --seed 7 --rooms 50 --messages 2100 --kills 20``.

Ends with 1 when anything was lost, shown twice without a mark, out of order, or left behind.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from bot.testing.campfire import Dialect
from tests.chaos.judge import judge
from tests.chaos.plan import make_plan
from tests.chaos.report import render
from tests.chaos.run import OPEN_CONVERSATIONS, run_plan
from tests.guards import isolate


def main() -> int:
    """Run once, print the report, and return the exit status."""
    chosen = _arguments()
    plan = make_plan(
        seed=chosen.seed,
        seconds=chosen.seconds,
        rooms=chosen.rooms,
        messages=chosen.messages,
        kills=chosen.kills,
    )
    sys.stdout.write(f"seed {plan.seed}\n")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="hearth-chaos-") as home:
        isolate(os.environ, Path(home) / "home")
        folder = chosen.keep or Path(home) / "run"
        folder.mkdir(parents=True)
        run = run_plan(
            plan,
            folder,
            dialect=chosen.dialect,
            settle_s=chosen.settle,
            conversations=chosen.conversations,
        )
        history = uvloop.run(run)
    verdict = judge(history)
    sys.stdout.write(render(plan, history, verdict))
    return int(bool(verdict.violations))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    add = parser.add_argument
    add("--seconds", type=float, default=360.0, help="how long load and faults last")
    add("--settle", type=float, default=180.0, help="how long it may take to come to rest then")
    add("--seed", type=int, default=time.time_ns() % 100_000, help="decides everything; printed")
    add("--rooms", type=int, default=50)
    add("--messages", type=int, default=2100)
    add("--kills", type=int, default=20, help="of the server; more comes on top")
    add("--conversations", type=int, default=OPEN_CONVERSATIONS, help="open at once")
    add("--dialect", type=Dialect, choices=list(Dialect), default=Dialect.MAIN)
    add("--keep", type=Path, help="a new folder that keeps the server's state and log")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
