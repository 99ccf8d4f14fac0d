"""Durations and sizes, as people write them."""

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.units import format_bytes, format_duration, parse_bytes, parse_duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("24h", 86_400),
        ("90s", 90),
        ("7d", 604_800),
        ("1h30m", 5_400),
        ("1h 30m", 5_400),
        ("2w", 1_209_600),
        ("250ms", 0.25),
        ("1.5h", 5_400),
        ("1m0.5s", 60.5),
        (" 3M ", 180),
        ("45", 45),
        ("0", 0),
        (90, 90),
        (0.5, 0.5),
    ],
)
def test_a_duration_is_read(written: object, seconds: float) -> None:
    """Units from weeks to milliseconds, each at most once, or a number of seconds."""
    assert parse_duration(written) == seconds


@pytest.mark.parametrize(
    "written",
    [
        *("", " ", "h", "1 day", "30m1h", "1h1h", "-1", "-5s", "1e3", "1,5h", "٣s", "nan"),
        *(-1, -0.1, True, None, math.nan, ["1h"]),
    ],
)
def test_what_is_no_duration_is_refused(written: object) -> None:
    """Wrong order, unknown units, signs, other digits and other types are no durations."""
    with pytest.raises(ValueError, match="is not a duration: write for example"):
        parse_duration(written)


@pytest.mark.parametrize("written", ["3651d", "9" * 400 + "s", 10**400, math.inf])
def test_a_duration_has_an_end(written: object) -> None:
    """More than ten years is a slip, and no number is too long to be refused."""
    with pytest.raises(ValueError, match="longer than ten years"):
        parse_duration(written)


@given(st.text())
def test_any_text_is_a_duration_or_a_plain_refusal(text: str) -> None:
    """No text makes the reader fail in another way, and what it reads is within bounds."""
    with contextlib.suppress(ValueError):
        assert 0 <= parse_duration(text) <= 3_650 * 86_400


@given(st.integers(min_value=0, max_value=3_650 * 86_400_000))
def test_a_written_duration_reads_back(milliseconds: int) -> None:
    """`format_duration` writes what `parse_duration` reads, to the millisecond."""
    seconds = milliseconds / 1000
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "0s"), (30, "30s"), (86_400, "24h"), (604_800, "7d"), (5_400, "1h30m"), (0.25, "250ms")],
)
def test_a_duration_is_written_as_people_do(seconds: float, written: str) -> None:
    """The largest units first, and a day is 24 hours."""
    assert format_duration(seconds) == written


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("4GiB", 4 * 2**30),
        ("512 MiB", 512 * 2**20),
        ("500MB", 500_000_000),
        ("1.5gib", 3 * 2**29),
        ("1024", 1024),
        ("64B", 64),
        ("2kB", 2_000),
        (4096, 4096),
    ],
)
def test_a_size_is_read(written: object, size: int) -> None:
    """Powers of 1024 with an i, powers of 1000 without, or a number of bytes."""
    assert parse_bytes(written) == size


@pytest.mark.parametrize("written", ["", "4G", "4Gi", "GiB", "-1", "1 GiB 2", "many", None, 0.5j])
def test_what_is_no_size_is_refused(written: object) -> None:
    """A unit that could mean either power is asked about, not guessed."""
    with pytest.raises(ValueError, match="is not a size: write for example"):
        parse_bytes(written)


def test_a_size_has_an_end() -> None:
    """No machine has so much."""
    with pytest.raises(ValueError, match="more than 1024 TiB"):
        parse_bytes("2000TiB")


@given(st.text())
def test_any_text_is_a_size_or_a_plain_refusal(text: str) -> None:
    """No text makes the reader fail in another way."""
    with contextlib.suppress(ValueError):
        assert 0 <= parse_bytes(text) <= 2**50


@given(st.integers(min_value=0, max_value=2**20), st.sampled_from(["KiB", "MiB"]))
def test_a_size_counts_in_its_unit(count: int, unit: str) -> None:
    """A count with a unit is that many of the unit."""
    assert parse_bytes(f"{count}{unit}") == count * {"KiB": 2**10, "MiB": 2**20}[unit]


@pytest.mark.parametrize(
    ("size", "written"),
    [(0, "0"), (1000, "1000"), (2**10, "1KiB"), (400 * 2**20, "400MiB"), (2**32, "4GiB")],
)
def test_sizes_are_written_as_operators_write_them(size: int, written: str) -> None:
    """In the largest unit that needs no fraction, and read back as they were."""
    assert format_bytes(size) == written
    assert parse_bytes(written) == size
