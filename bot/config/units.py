"""Durations and sizes as people write them: ``1h30m``, ``4GiB``."""

import math
import re

_SECONDS = {"w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_NUMBER = r"([0-9]+(?:\.[0-9]+)?)"
#: Every unit at most once, from the largest to the smallest.
_DURATION = re.compile(r"\s*".join(rf"(?:{_NUMBER}\s*{unit})?" for unit in _SECONDS), re.ASCII)
_PLAIN = re.compile(_NUMBER)
#: Beyond ten years a number is a slip, and date arithmetic starts to overflow.
_LONGEST_S = 3_650 * _SECONDS["d"]

_BYTES = {"": 1, "b": 1} | {
    f"{letter}{suffix}": base**power
    for power, letter in enumerate("kmgt", start=1)
    for suffix, base in (("b", 1000), ("ib", 1024))
}
_UNITS = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))
_SIZE = re.compile(rf"{_NUMBER}\s*([a-z]*)", re.ASCII)
_LARGEST_BYTES = 2**50


def parse_duration(written: object) -> float:
    """Read ``"24h"``, ``"90s"``, ``"1h30m"``, ``"250ms"`` or a number of seconds; give seconds.

    Raises `ValueError` with the end of a sentence that starts with the key and its value.
    """
    seconds = _seconds(written)
    if seconds is None:
        raise ValueError(
            'is not a duration: write for example "90s", "3m", "1h30m", "24h" or "7d"',
        )
    if not seconds <= _LONGEST_S:
        raise ValueError("is longer than ten years, the longest duration there is")
    return seconds


def _seconds(written: object) -> float | None:
    if isinstance(written, str):
        return _spoken_seconds(written.strip().lower())
    if isinstance(written, bool) or not isinstance(written, int | float) or not written >= 0:
        return None
    return float(min(written, _LONGEST_S + 1))  # a longer integer may not fit into a float


def _spoken_seconds(text: str) -> float | None:
    if _PLAIN.fullmatch(text):
        return float(text)
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        return None
    return math.fsum(
        float(number) * seconds
        for number, seconds in zip(match.groups(), _SECONDS.values(), strict=True)
        if number is not None
    )


def format_duration(seconds: float) -> str:
    """Write *seconds* as `parse_duration` reads them, to the millisecond: ``1h30m``."""
    left = round(seconds * 1000)
    if left == 0:
        return "0s"
    if left == 24 * 3_600_000:
        return "24h"
    written = ""
    for unit, length in _SECONDS.items():
        if unit == "w":  # 7d and 30d read better than 1w and 4w2d
            continue
        count, left = divmod(left, round(length * 1000))
        written += f"{count}{unit}" if count else ""
    return written


def parse_bytes(written: object) -> int:
    """Read ``"4GiB"``, ``"500MB"`` or a number of bytes; give bytes.

    Raises `ValueError` with the end of a sentence that starts with the key and its value.
    """
    match = _SIZE.fullmatch(str(written).strip().lower())
    unit = _BYTES.get(match[2]) if match else None
    if match is None or unit is None:
        raise ValueError('is not a size: write for example "512MiB", "4GiB" or a number of bytes')
    size = float(match[1]) * unit
    if size > _LARGEST_BYTES:
        raise ValueError("is more than 1024 TiB, the largest size there is")
    return int(size)


def format_bytes(size_bytes: int) -> str:
    """Write a size as `parse_bytes` reads it, in the largest unit without a fraction: ``4GiB``."""
    for name, unit in _UNITS:
        if size_bytes and size_bytes % unit == 0:
            return f"{size_bytes // unit}{name}"
    return str(size_bytes)
