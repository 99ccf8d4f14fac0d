"""What the commands print, and how they end."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

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

#: What the disk says, and no bug can be the reason of.
_OF_THE_DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})


@contextmanager
def plain_errors() -> Iterator[None]:
    """End the command with a sentence where a traceback would tell the operator nothing.

    A bug keeps its traceback.
    """
    try:
        yield
    except (BotError, OSError, ExceptionGroup) as error:
        failures = tuple(_leaves(error))
        if not all(map(_is_plain, failures)):
            raise
        for failure in failures:
            err.print(Text(str(failure)))
        wrong = any(isinstance(failure, ConfigError) for failure in failures)
        raise typer.Exit(WRONG_CONFIG if wrong else FAILED) from None


def _is_plain(error: Exception) -> bool:
    """Whether what it says is enough to know what to do."""
    of_the_disk = isinstance(error, OSError) and error.errno in _OF_THE_DISK
    return isinstance(error, BotError) or of_the_disk


def _leaves(error: Exception) -> Iterator[Exception]:
    """Yield the exceptions of a group, whatever task groups they came through."""
    if isinstance(error, ExceptionGroup):
        for member in error.exceptions:
            yield from _leaves(member)
    else:
        yield error
