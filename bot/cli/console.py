"""What the commands print, and how they end."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.text import Text

from bot.errors import BotError, ConfigError

# A sentence is a line, however long: what reads the output must find it whole.
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

#: Exit status when the operator's settings or files are wrong.
WRONG_CONFIG = 2
FAILED = 1


@contextmanager
def plain_errors() -> Iterator[None]:
    """End the command with a sentence where a traceback would tell the operator nothing.

    A bug keeps its traceback.
    """
    try:
        yield
    except (BotError, ExceptionGroup) as error:
        failures = tuple(_leaves(error))
        if not all(isinstance(failure, BotError) for failure in failures):
            raise
        for failure in failures:
            err.print(Text(str(failure)))
        wrong = any(isinstance(failure, ConfigError) for failure in failures)
        raise typer.Exit(WRONG_CONFIG if wrong else FAILED) from None


def _leaves(error: Exception) -> Iterator[Exception]:
    """Yield the exceptions of a group, whatever task groups they came through."""
    if isinstance(error, ExceptionGroup):
        for member in error.exceptions:
            yield from _leaves(member)
    else:
        yield error
