"""The event loop that everything runs on."""

import asyncio
import sys
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, Final

#: How long the loop keeps the interpreter while the journal's thread waits for it: about as long as
#: it has with one delivery. The thread wants it a few times in each commit, and everybody waits for
#: that; by default it would wait ten times as long as a commit takes.
_SWITCH_S: Final = 0.00005
#: Threads for what blocks: folders, transcripts, looks at the children's memory. Each takes
#: milliseconds, and more of them than processors would only wait for each other.
THREADS: Final = 4
#: How long one of them may take to start: where it never does, the others go on.
_START_S: Final = 5.0


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run *main* on uvloop: without it, Python 3.11 keeps a thread for every child."""
    sys.setswitchinterval(_SWITCH_S)
    if sys.platform == "win32":
        factory = None
    else:
        import uvloop  # noqa: PLC0415 - not there on Windows

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.get_loop().set_default_executor(_threads())
        runner.run(main)


def _threads() -> ThreadPoolExecutor:
    """Return the threads for what blocks, all of them there.

    By default there come to be more and more, whenever as many things coincide as never before;
    each has a heap of its own, and a server would seem to leak for days.
    """
    threads = ThreadPoolExecutor(THREADS, thread_name_prefix="blocking")
    everybody = Barrier(THREADS, timeout=_START_S)
    for _ in range(THREADS):
        threads.submit(everybody.wait)  # one that has work already makes room for another
    return threads
