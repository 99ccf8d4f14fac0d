"""What a damaged file still holds, read page by page and without SQLite.

No tree is followed, since any page of it may be the bad one: each page that looks like a leaf of a
table gives the rows in it that are whole. See https://sqlite.org/fileformat2.html
"""

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Final, TypeAlias

Value: TypeAlias = int | float | str | None
Bytes: TypeAlias = bytes | mmap

#: What SQLite gives a new file; ours are never given another.
PAGE_BYTES: Final = 4096

_TABLE_LEAF: Final = 13
_LEAF_HEADER: Final = 8
#: More of a row than this goes to pages of its own.
_LOCAL_MOST: Final = PAGE_BYTES - 35
_LOCAL_LEAST: Final = (PAGE_BYTES - 12) * 32 // 255 - 23
_OVERFLOW_BYTES: Final = PAGE_BYTES - 4
#: Bytes of an integer, by its type in the row's header.
_INTEGERS: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_REAL: Final = 7
_ZERO: Final = 8
_ONE: Final = 9
_FIRST_TEXT: Final = 13
#: Larger numbers were never given out.
_LAST_ROW: Final = 2**53


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A row of some table; which one, the page does not say."""

    number: int
    values: tuple[Value, ...]


@contextmanager
def mapped(path: Path) -> Iterator[Bytes]:
    """Map a file into memory, for reading; one that is missing or empty gives no bytes."""
    if not path.exists() or not path.stat().st_size:
        yield b""
        return
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        yield content


class Image:
    """The pages of a journal, the newest version of each."""

    def __init__(self, file: Bytes, log: Bytes, newer: Mapping[int, int]) -> None:
        """Take the file, its log, and where in the log a newer version of a page begins."""
        self._file = file
        self._log = log
        self._newer = newer
        self.last = max([-(-len(file) // PAGE_BYTES), *newer])

    def page(self, number: int) -> bytes:
        """Return a page; what was cut off of it reads as zeros. Raises ValueError."""
        if not 1 <= number <= self.last:
            raise ValueError(f"there is no page {number}")
        at = self._newer.get(number)
        if at is not None:
            return self._log[at : at + PAGE_BYTES]
        at = (number - 1) * PAGE_BYTES
        return self._file[at : at + PAGE_BYTES].ljust(PAGE_BYTES, b"\0")


def rows(image: Image) -> Iterator[Row]:
    """Yield all rows that are whole, in the order of their pages. The first page has none."""
    for number in range(2, image.last + 1):
        page = image.page(number)
        for cell in _cells(page):
            try:
                yield _row(image, page, cell)
            except (ValueError, IndexError, struct.error):
                continue  # its neighbours may be whole


def _cells(page: bytes) -> Iterator[int]:
    """Yield where the rows of a leaf begin; nothing for pages of other kinds."""
    (count,) = struct.unpack_from(">H", page, 3)
    content = _LEAF_HEADER + 2 * count
    if page[0] == _TABLE_LEAF and content <= PAGE_BYTES:
        for (cell,) in struct.iter_unpack(">H", page[_LEAF_HEADER:content]):
            if cell >= content:
                yield cell


def _row(image: Image, page: bytes, cell: int) -> Row:
    size, at = _varint(page, cell)
    number, at = _varint(page, at)
    if not 1 <= number <= _LAST_ROW:
        raise ValueError(f"{number} is no row number")
    return Row(number=number, values=_record(_payload(image, page, at, size)))


def _payload(image: Image, page: bytes, at: int, size: int) -> bytes:
    """Collect the bytes of a row, from its own page and from those it goes on in."""
    if size <= _LOCAL_MOST:
        return page[at : at + size]
    local = _LOCAL_LEAST + (size - _LOCAL_LEAST) % _OVERFLOW_BYTES
    end = at + (local if local <= _LOCAL_MOST else _LOCAL_LEAST)
    pieces, left = [page[at:end]], size - (end - at)
    (follows,) = struct.unpack_from(">I", page, end)
    seen: set[int] = set()
    while left > 0:
        if follows in seen:
            raise ValueError("its pages go in a circle")
        seen.add(follows)
        more = image.page(follows)
        pieces.append(more[4 : 4 + left])
        (follows,) = struct.unpack_from(">I", more)
        left -= _OVERFLOW_BYTES
    return b"".join(pieces)


def _record(payload: bytes) -> tuple[Value, ...]:
    """Read the columns of a row; all its bytes must be accounted for. Raises ValueError."""
    values: list[Value] = []
    content, at = _varint(payload, 0)
    place = content
    while at < content:
        kind, at = _varint(payload, at)
        value, place = _value(payload, kind, place)
        values.append(value)
    if at != content or place != len(payload):
        raise ValueError("its length does not fit its columns")
    return tuple(values)


def _value(payload: bytes, kind: int, at: int) -> tuple[Value, int]:
    """Read a column at *at*; return it and where the next one begins."""
    if kind == 0:
        return None, at
    if kind in _INTEGERS:
        end = at + _INTEGERS[kind]
        return int.from_bytes(payload[at:end], signed=True), end
    if kind == _REAL:
        return float(*struct.unpack_from(">d", payload, at)), at + 8
    if kind in (_ZERO, _ONE):
        return kind - _ZERO, at
    if kind < _FIRST_TEXT or kind % 2 == 0:
        raise ValueError("no column of ours holds that")
    end = at + (kind - _FIRST_TEXT) // 2
    return _text(payload[at:end]), end


def _text(content: bytes) -> str:
    # Pages that were lost come back as zeros, which no chat's text has in it.
    if b"\0" in content:
        raise ValueError("zeros in a text")
    return content.decode()


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """Read an integer of one to nine bytes; return it and where it ends. Raises IndexError."""
    value = 0
    for end in range(at, at + 8):
        value = value << 7 | content[end] & 0x7F
        if content[end] < 0x80:  # noqa: PLR2004 - the bit that says that more follows
            return value, end + 1
    return value << 8 | content[at + 8], at + 9
