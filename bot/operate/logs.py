"""One log for everything: our events, the libraries', and what nobody caught."""

import logging
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Final, Literal, TextIO

import structlog

from bot.operate.lines import Line, as_json, as_text
from bot.operate.redaction import Redaction

log = structlog.get_logger(__name__)

#: They log addresses and headers, in which the bot's key may stand; our own lines say the same.
_SILENT: Final = ("httpx", "httpcore", "uvicorn.access")
#: They tell at INFO what nobody asked for, at DEBUG what was said in a room.
_TERSE: Final = (
    "apscheduler",
    "watchfiles",
    "claude_agent_sdk",
    "asyncio",
    "markdown_it",
    "uvicorn.error",  # where it says that it starts and stops, as our own lines do
)

_SHARED: Final[tuple[structlog.typing.Processor, ...]] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


class _Stream(logging.StreamHandler[TextIO]):
    """Writes lines, and does not show an event that cannot be rendered: it may hold a secret."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Say that a line is missing and where it came from, as far as the stream still works."""
        with suppress(OSError, ValueError):
            where = f"{record.name}:{record.lineno}"
            self.stream.write(f'{{"event": "log_failed", "logger": "{where}"}}\n')


def configure_logging(
    *,
    format: Literal["auto", "json", "console"],  # noqa: A002 - the setting's name
    level: str,
    secrets: Callable[[], Iterable[str]],
    stream: TextIO = sys.stderr,
) -> None:
    """Send every log of this process to *stream*, and errors that nobody caught as well.

    *secrets* is asked at every line, so it should be quick: the same tuple while nothing changed
    costs nothing. A later call replaces what an earlier one set up.
    """
    least = logging.getLevelNamesMapping()[level.upper()]
    readable = format == "console" or (format == "auto" and stream.isatty())
    line = Line(as_text if readable else as_json, Redaction(secrets))
    _route_structlog(least)
    _route_stdlib(least, _handler(stream, line))
    _report_the_uncaught()


def _handler(stream: TextIO, line: Line) -> logging.Handler:
    handler = _Stream(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, line],
            foreign_pre_chain=_SHARED,
        )
    )
    return handler


def _route_structlog(least: int) -> None:
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.stdlib.LoggerFactory(),
        # Loggers are made on import, before this is called: they must not keep what was then.
        cache_logger_on_first_use=False,
    )


def _route_stdlib(least: int, handler: logging.Handler) -> None:
    logging.basicConfig(handlers=[handler], level=least, force=True)
    logging.captureWarnings(capture=True)
    for name in _TERSE:
        logging.getLogger(name).setLevel(max(least, logging.WARNING))
    for name in _SILENT:
        _silence(logging.getLogger(name))


def _silence(logger: logging.Logger) -> None:
    """Let nothing out, neither its own nor its children's, whatever their levels are."""
    logger.handlers = [logging.NullHandler()]
    logger.setLevel(logging.CRITICAL + 1)
    logger.propagate = False


def _report_the_uncaught() -> None:
    """Log what would end on the bare stderr. asyncio logs by itself what its tasks lose."""
    sys.excepthook = _uncaught
    sys.unraisablehook = _unraisable
    threading.excepthook = _uncaught_in_thread


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    log.critical("uncaught", exc_info=(kind, error, trace))


def _uncaught_in_thread(lost: threading.ExceptHookArgs) -> None:
    if lost.exc_type is SystemExit:
        return
    name = lost.thread.name if lost.thread is not None else None
    log.critical("uncaught_in_thread", thread=name, exc_info=lost.exc_value)


def _unraisable(lost: "sys.UnraisableHookArgs") -> None:
    log.error("unraisable", where=repr(lost.object), exc_info=lost.exc_value)
