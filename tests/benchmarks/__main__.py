"""All benchmarks: ``python -m tests.benchmarks``, or some: ``python -m tests.benchmarks turns``.

Each runs for a bounded time and prints its figures as ratios to a limit that was measured in the
same run, because machines differ and are noisy.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.guards import isolate

#: The quick ones first.
NAMES = ("journal", "ack", "isolation", "hot", "turns", "burst", "spares", "chorus", "crowd")
NAMES += ("files", "memory", "density", "idle", "leaks", "visits", "manners")


def main() -> int:
    """Run the benchmarks that are named, or all, each in a process of its own."""
    failed = 0
    with tempfile.TemporaryDirectory() as home:
        environ = dict(os.environ)
        isolate(environ, Path(home))
        for name in sys.argv[1:] or NAMES:
            sys.stdout.write(f"\n== {name} ==\n")
            sys.stdout.flush()
            command = [sys.executable, "-m", f"tests.benchmarks.{name}"]
            failed += subprocess.run(command, env=environ, check=False).returncode != 0  # noqa: S603 - our own modules
    return failed


if __name__ == "__main__":
    sys.exit(main())
