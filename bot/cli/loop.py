"""The event loop that everything runs on."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, Final

#: How long the loop keeps the interpreter while the journal's thread waits for it: about as long as
#: it has with one delivery. The thread wants it a few times in each commit, and everybody waits for
#: that; by default it would wait ten times as long as a commit takes.
_SWITCH_S: Final = 0.00005


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
