"""A rendered answer before it is cut into parts: a flat row of pieces.

Every piece says how well one may cut before it, and every opened element how it is taken up again
in the next part. So the cutting (`parts`) knows nothing of Markdown, needs no recursion, and its
work grows with the length of the row.
"""

import html
import re
from dataclasses import dataclass

#: How well one may cut before a piece: higher is better, 0 never.
NEVER, LETTER, AFTER_HEADING, WORD, SENTENCE, LINE = range(6)
#: Between blocks, less the depth: between top-level blocks is best.
BLOCK = 100

#: Elements inside elements; deeper ones are left out and their text is kept.
DEPTH_LIMIT = 30

#: Longest run that is never cut, in characters.
_RUN = 100

#: A run of text with the white space after it, up to the line's end.
_RUNS = re.compile(rf"\S{{1,{_RUN}}}[^\S\n]{{0,20}}\n?|[^\S\n]{{1,{_RUN}}}\n?|\n")

_SENTENCE_END = re.compile(r"[.!?…。!?][\"'”’)\]]*\s+$")  # noqa: RUF001 -- ends Chinese sentences


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """An element that is open."""

    #: Its end tag.
    close: str
    #: Start and end tag when it is taken up again in the next part.
    again: str
    again_close: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A start tag, an end tag or a run of text."""

    #: Empty for an end tag, which its frame knows.
    html: str
    #: How well one may cut before it.
    cut: int
    #: Set when it is a start tag.
    opens: Frame | None = None
    #: Whether it is an end tag.
    closes: bool = False
    #: Written instead of `html` when the element around it was taken up again: the number of a
    #: list item, which a second ``<ol>`` would start from 1.
    continued: str | None = None


class Draft:
    """Collects pieces."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self._depth = 0
        self._cut = NEVER

    def open(
        self, tag: str, *, attributes: str = "", again: Frame | None = None, prefix: str = ""
    ) -> None:
        """Open <*tag*>; *prefix* is text that it begins with when its parent is taken up again."""
        start, end = f"<{tag}{attributes}>", f"</{tag}>"
        frame = again or Frame(close=end, again=start, again_close=end)
        if self._depth >= DEPTH_LIMIT:
            start, prefix, frame = "", "", Frame(close="", again="", again_close="")
        continued = start + html.escape(prefix) if prefix else None
        self._add(Piece(html=start, cut=self._cut, opens=frame, continued=continued))
        self._depth += 1
        self._cut = NEVER

    def close(self) -> None:
        """Close an inline element."""
        self._add(Piece(html="", cut=NEVER, closes=True))
        self._depth -= 1

    def close_block(self, *, heading: bool = False) -> None:
        """Close a block; what follows a *heading* stays with it."""
        self.close()
        self.end_block()
        if heading:
            self._cut = AFTER_HEADING

    def end_block(self) -> None:
        """End a block that has no tag of its own."""
        self._cut = BLOCK - self._depth

    def rule(self) -> None:
        """Write a thematic break."""
        self._add(Piece(html="<hr>", cut=self._cut))
        self.end_block()

    def line_break(self) -> None:
        """Write a line break."""
        self._add(Piece(html="<br>", cut=NEVER if self._cut == NEVER else LETTER))
        self._cut = LINE

    def text(self, text: str) -> None:
        """Write *text*, escaped, in runs that are never cut."""
        for run in _RUNS.findall(text):
            self._add(Piece(html=html.escape(run, quote=False), cut=self._cut))
            self._cut = _cut_after(run)

    def _add(self, piece: Piece) -> None:
        self.pieces.append(piece)


def _cut_after(run: str) -> int:
    if run.endswith("\n"):
        return LINE
    if not run[-1].isspace():
        return LETTER
    return SENTENCE if _SENTENCE_END.search(run) else WORD
