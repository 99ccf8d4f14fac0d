"""The kinds of values that settings and bot files have, with their rules.

A rule raises `ValueError` with the end of a sentence that starts with the key and its value.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, SecretStr, WithJsonSchema

from bot.config.units import parse_bytes, parse_duration


def _more_than_nothing(seconds: float) -> float:
    if seconds <= 0:
        raise ValueError("must be longer than 0")
    return seconds


def _one_line(text: str) -> str:
    # Not str.isprintable: it refuses the joiner inside many an emoji, and a bot may have one.
    if not text.strip() or re.search(r"[\0-\x1f\x7f-\x9f\u2028\u2029]", text):
        raise ValueError("must be one line of text, and not blank")
    return text


def _visible(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-~]+", secret.get_secret_value()):
        raise ValueError("must be plain letters, digits and signs: it travels in a header")
    return secret


def _host(host: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9.-]+:[0-9]*", host):
        raise ValueError("must be a host alone: the port goes into HEARTH_PORT")
    if not re.fullmatch(r"[A-Za-z0-9.:_-]+", host):
        raise ValueError('is not a host: write for example "127.0.0.1", "0.0.0.0" or "::"')
    return host


def _port(written: object) -> object:
    # Kubernetes sets HEARTH_PORT itself in a namespace with a service called "hearth".
    if isinstance(written, str) and written.startswith("tcp://"):
        raise ValueError(
            'is what Kubernetes sets for a service named "hearth": '
            "put enableServiceLinks: false into the pod's spec",
        )
    return written


def _embedded(address: str) -> str:
    if address.startswith(("postgres://", "postgresql://")):
        raise ValueError(
            "asks for PostgreSQL, which is not supported yet: leave it unset, "
            "and the journal is an SQLite file in the session cache",
        )
    if address != "sqlite://":
        raise ValueError(
            'is not a database that Hearth knows: leave it unset, or write "sqlite://"; '
            "both mean the journal.db in the session cache",
        )
    return address


_DURATION_SCHEMA = WithJsonSchema(
    {
        "anyOf": [
            {"type": "string", "pattern": r"^\s*([0-9.]+\s*(w|d|h|m|s|ms)?\s*)+$"},
            {"type": "number", "minimum": 0},
        ],
        "examples": ["90s", "3m", "1h30m", "24h", "7d"],
    }
)

#: Seconds, from "24h" or a number.
Duration = Annotated[float, BeforeValidator(parse_duration), _DURATION_SCHEMA]
#: The same, and more than none.
Lifetime = Annotated[
    float, BeforeValidator(parse_duration), AfterValidator(_more_than_nothing), _DURATION_SCHEMA
]
#: Bytes, from "4GiB" or a number.
Size = Annotated[int, BeforeValidator(parse_bytes)]
#: One printable line that is not blank.
Line = Annotated[str, AfterValidator(_one_line)]
#: A secret that fits into a header.
Token = Annotated[SecretStr, AfterValidator(_visible)]
#: A name or an address to listen on.
Host = Annotated[str, AfterValidator(_host)]
#: A port, or 0.
Port = Annotated[int, BeforeValidator(_port)]
#: The address of a database.
Database = Annotated[str, AfterValidator(_embedded)]
