"""The event loop that everything runs on."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any

#: Seconds after which a busy loop lets the journal's thread go on. It asks several times a commit:
#: with Python's 5 ms, a loop that is busy with connections makes each commit take 30 ms.
_SWITCH_S = 0.0005


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run *main* on uvloop: without it, Python 3.11 keeps a thread for every child."""
    sys.setswitchinterval(_SWITCH_S)
    if sys.platform == "win32":
        factory = None
    else:
        import uvloop  # noqa: PLC0415 - not there on Windows

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)
