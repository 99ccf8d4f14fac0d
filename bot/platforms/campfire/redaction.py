"""Keep bot keys, which stand in Campfire's addresses, out of logs."""

import logging
import re

_KEY_IN_PATH = re.compile(r"(/rooms/[^/\s]+/)[^/\s]+(?=/messages)")


def redact(text: str) -> str:
    """Replace the key in every address of the bot API by ``<key>``."""
    return _KEY_IN_PATH.sub(r"\1<key>", text)


class _Redaction(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        return True


_REDACTION = _Redaction()


def redact_http_log() -> None:
    """Redact what httpx and httpcore log: at DEBUG each header of an answer, redirects among them.

    A filter and not a level, so that no later logging configuration brings the keys back.
    """
    for name in ("httpx", "httpcore.http11", "httpcore.http2", "httpcore.connection"):
        logging.getLogger(name).addFilter(_REDACTION)
