"""Making a child hold still while it boots.

A lower priority would do, but only the privileged may take it back. A signal works for everybody.
"""

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from bot.agent.child import children
from bot.agent.line import Ticket

#: How long a boot is held in all: where somebody always speaks, a new room wants a spare too.
MOST_HELD_S: Final = 3.0


class Brake(Protocol):
    """What holds a child."""

    def hold(self) -> bool:
        """Have the child stand still; False when it is not there."""
        ...

    def free(self) -> None:
        """Let it go on."""
        ...


class ChildBrake:
    """Stops the one child of ours that works in a folder, and continues it.

    Only a child that has booted says who it is.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: int | None = None

    def hold(self) -> bool:
        """Stop the child; False when it is not there."""
        self._held = self.find()
        self._send(signal.SIGSTOP)
        return self._held is not None

    def free(self) -> None:
        """Continue it."""
        self._send(signal.SIGCONT)

    def find(self) -> int | None:
        """Return the child's process; None when it is not there."""
        folder = self._folder.resolve()
        for pid in children(os.getpid()):
            with suppress(OSError):  # it ended meanwhile
                if Path(f"/proc/{pid}/cwd").readlink() == folder:
                    return pid
        return None

    def _send(self, number: signal.Signals) -> None:
        if self._held is not None:
            with suppress(ProcessLookupError):
                os.kill(self._held, number)


class Booting:
    """A child that boots."""

    def __init__(self, ticket: Ticket, brake: Brake) -> None:
        self.ticket = ticket
        self._brake = brake
        #: Since when it is held, on the loop's clock.
        self._held_at: float | None = None
        self._held_s = 0.0
        self._free = False

    def look(self, now: float, *, busy: bool) -> None:
        """Hold the child while others are *busy* and nobody waits for it, but not for long."""
        hold = busy and not self._free and self.ticket.urgency.background
        if self._held_at is None:
            if hold and self._held_s < MOST_HELD_S and self._brake.hold():
                self._held_at = now
        elif not hold or self._held_s + now - self._held_at >= MOST_HELD_S:
            self._held_s += now - self._held_at
            self._held_at = None
            self._brake.free()

    def release(self, now: float) -> None:
        """Let the child go on for good."""
        self._free = True
        self.look(now, busy=False)


class NoBrake:
    """Has nothing to hold."""

    def hold(self) -> bool:
        """Hold nothing."""
        return False

    def free(self) -> None:
        """Free nothing."""
