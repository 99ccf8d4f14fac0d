"""The write-ahead log beside the file, read without SQLite.

SQLite ends at the first frame whose checksum is wrong and takes it for the end of the log. After a
crash that is so; when a frame in the middle is damaged, all that was acknowledged after it would be
gone without a word. See https://sqlite.org/walformat.html
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bot.journal.pages import PAGE_BYTES, Bytes

_HEADER: Final = struct.Struct(">8I")
_FRAME: Final = struct.Struct(">6I")
_FRAME_BYTES: Final = _FRAME.size + PAGE_BYTES
#: By the first number: the byte order of the checksums.
_ORDERS: Final = {0x377F0682: "<", 0x377F0683: ">"}
_MASK: Final = 2**32 - 1
#: Where the index of an open log says how many frames SQLite takes for good.
_INDEX_FRAMES_AT: Final = 16

_Sum = tuple[int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Frame:
    """A version of a page."""

    #: Where it begins in the log.
    at: int
    page: int
    #: Whether it ends a transaction.
    commits: bool
    #: Of this frame and all before it, as it is written there.
    checksum: _Sum


def newest_pages(log: Bytes) -> dict[int, int]:
    """Say where the newest committed version of each page begins in *log*.

    A frame that is damaged is passed over, and what follows it is not.
    """
    found: dict[int, int] = {}
    open_: dict[int, int] = {}
    order, before = _order(log), _header_sum(log)
    for frame in _frames(log):
        content = frame.at + _FRAME.size
        covered = log[frame.at : frame.at + 8] + log[content : content + PAGE_BYTES]
        if _checksum(order, covered, before) == frame.checksum:
            open_[frame.page] = content
        before = frame.checksum
        if frame.commits:
            found.update(open_)
            open_.clear()
    return found


def committed_frames(log: Bytes) -> int:
    """Return the number of the last frame that ends a transaction, damaged ones included."""
    ends = (frame.at for frame in _frames(log) if frame.commits)
    return max(((at - _HEADER.size) // _FRAME_BYTES + 1 for at in ends), default=0)


def is_whole(log: Bytes, index: bytes) -> bool:
    """Whether SQLite, which wrote *index* when it opened *log*, sees all that was committed."""
    if len(log) < _HEADER.size + _FRAME_BYTES:
        return True
    (seen,) = struct.unpack_from("=I", index.ljust(_INDEX_FRAMES_AT + 4, b"\0"), _INDEX_FRAMES_AT)
    return _has_header(log) and int(seen) >= committed_frames(log)


def _frames(log: Bytes) -> Iterator[_Frame]:
    """Yield the frames of the log's last run; what an earlier run has left has other salts."""
    salts: bytes | None = log[16:24] if _has_header(log) else None
    for at in range(_HEADER.size, len(log) - _FRAME_BYTES + 1, _FRAME_BYTES):
        salts = log[at + 8 : at + 16] if salts is None else salts
        if log[at + 8 : at + 16] == salts:
            page, size, _, _, *checksum = _FRAME.unpack_from(log, at)
            yield _Frame(at=at, page=page, commits=size != 0, checksum=(checksum[0], checksum[1]))


def _has_header(log: Bytes) -> bool:
    return (
        len(log) >= _HEADER.size
        and int.from_bytes(log[:4]) in _ORDERS
        and _checksum(_order(log), log[:24], (0, 0)) == _header_sum(log)
    )


def _header_sum(log: Bytes) -> _Sum:
    if len(log) < _HEADER.size:
        return 0, 0  # there are no frames either
    *_, first, second = _HEADER.unpack_from(log)
    return first, second


def _order(log: Bytes) -> str:
    return _ORDERS.get(int.from_bytes(log[:4]), "=")


def _checksum(order: str, content: bytes, before: _Sum) -> _Sum:
    first, second = before
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & _MASK
        second = (second + odd + first) & _MASK
    return first, second
