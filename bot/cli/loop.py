"""The event loop that everything runs on."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run *main* on uvloop: without it, Python 3.11 keeps a thread for every child."""
    if sys.platform == "win32":
        factory = None
    else:
        import uvloop  # noqa: PLC0415 - not there on Windows

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)
