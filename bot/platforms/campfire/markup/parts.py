"""Cut a row of pieces into parts that stand alone.

A part is filled as far as its limit allows and then cut at the best place in its last three
quarters: between top-level blocks, else between list items, lines, sentences, words. Elements that
are open there are closed, and opened again in the next part.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.platforms.campfire.markup.draft import NEVER, Frame, Piece

#: Characters of HTML: a long read in a chat, and far below what any proxy refuses.
PART_LIMIT = 10_000

#: What open elements, a repeated table header, an address and a run of text may take together.
SMALLEST_LIMIT = 4_000


def split(pieces: Sequence[Piece], *, limit: int = PART_LIMIT) -> Iterator[str]:
    """Yield the HTML of each part, of at most *limit* characters (`SMALLEST_LIMIT` or more)."""
    if limit < SMALLEST_LIMIT:
        raise ValueError(f"limit is {limit}; it must be {SMALLEST_LIMIT} or more")
    start, around = 0, None
    while start < len(pieces):
        page = _Page(around)
        end = page.fill(pieces, start, limit)
        if end == len(pieces):
            yield page.html()
            return
        mark = page.best_mark(at_least=limit // 4)
        yield page.html(mark)
        start, around = mark.piece, mark.around


@dataclass(frozen=True, kw_only=True, slots=True)
class _Element:
    """An open element and those around it."""

    parent: "_Element | None"
    frame: Frame
    #: Whether it was opened in an earlier part.
    continued: bool
    #: Characters that it takes to close it and all around it.
    closing: int

    @property
    def close(self) -> str:
        return self.frame.again_close if self.continued else self.frame.close


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mark:
    """A place where the part may end."""

    cut: int
    #: The piece that the next part would begin with.
    piece: int
    #: How many runs of HTML stand before it, and how many characters.
    runs: int
    size: int
    around: _Element | None


class _Page:
    """One part in the making."""

    def __init__(self, around: _Element | None) -> None:
        self._around: _Element | None = None
        self._runs: list[str] = []
        self._size = 0
        self._marks: list[_Mark] = []
        for element in reversed(_chain(around)):
            self._write(element.frame.again)
            self._push(element.frame, continued=True)

    def fill(self, pieces: Sequence[Piece], start: int, limit: int) -> int:
        """Write pieces from *start* on until the next one does not fit; return its number."""
        for number in range(start, len(pieces)):
            piece = pieces[number]
            if piece.cut != NEVER and number > start:
                self._mark(number, piece.cut)
            # Without a mark there is no way to end, and a part must end after its beginning.
            if self._marks and self._size_with(piece) > limit:
                return number
            self._take(piece)
        return len(pieces)

    def best_mark(self, *, at_least: int) -> _Mark:
        """Return the mark to cut at: the best beyond *at_least* characters, of equals the last."""
        far = [mark for mark in self._marks if mark.size >= at_least]
        return max(far, key=lambda mark: (mark.cut, mark.piece)) if far else self._marks[-1]

    def html(self, mark: _Mark | None = None) -> str:
        """Return the part up to *mark*, or whole, with everything closed that is open there."""
        runs = self._runs[: mark.runs] if mark else self._runs
        around = mark.around if mark else self._around
        if runs and runs[-1] == "<br>":
            runs = runs[:-1]
        return "".join((*runs, *(element.close for element in _chain(around))))

    def _take(self, piece: Piece) -> None:
        if piece.closes:
            assert self._around is not None  # noqa: S101 -- a draft closes only what it opened
            self._write(self._around.close)
            self._around = self._around.parent
            return
        self._write(self._html_of(piece))
        if piece.opens:
            self._push(piece.opens, continued=False)

    def _html_of(self, piece: Piece) -> str:
        continued = self._around is not None and self._around.continued
        return piece.continued if continued and piece.continued else piece.html

    def _size_with(self, piece: Piece) -> int:
        """Return the size of the part if it ended after *piece*."""
        closing = self._around.closing if self._around else 0
        if piece.opens:
            closing += len(piece.opens.close)
        return self._size + closing + len(self._html_of(piece))

    def _write(self, html: str) -> None:
        self._runs.append(html)
        self._size += len(html)

    def _push(self, frame: Frame, *, continued: bool) -> None:
        closing = self._around.closing if self._around else 0
        own = len(frame.again_close if continued else frame.close)
        self._around = _Element(
            parent=self._around, frame=frame, continued=continued, closing=closing + own
        )

    def _mark(self, number: int, cut: int) -> None:
        self._marks.append(
            _Mark(
                cut=cut,
                piece=number,
                runs=len(self._runs),
                size=self._size,
                around=self._around,
            )
        )


def _chain(element: _Element | None) -> list[_Element]:
    """Return *element* and those around it, inside out."""
    chain = []
    while element is not None:
        chain.append(element)
        element = element.parent
    return chain
