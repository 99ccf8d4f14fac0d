"""Tables as aligned text: Campfire keeps no table tags, but a fixed-width font in ``<pre>``."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from markdown_it.token import Token

from bot.platforms.campfire.markup.draft import Draft, Frame
from bot.platforms.campfire.markup.inline import plain_text
from bot.platforms.campfire.markup.text import width

#: Cells; a longer cell sticks out instead of making all others as wide.
_WIDEST_COLUMN = 60

#: How many times longer alignment may make a table; a hostile one is written unaligned.
_LARGEST_GROWTH = 8

#: Longest header, escaped, that is repeated at the head of each part.
_LONGEST_HEADER = 1_000

_ALIGNMENT = re.compile(r"text-align:(\w+)")


@dataclass(kw_only=True, slots=True)
class _Table:
    #: The first row is the header.
    rows: list[list[str]] = field(default_factory=list)
    #: "left", "right" or "center", for each column.
    alignments: list[str] = field(default_factory=list)


def write_table(rest: Iterator[Token], draft: Draft) -> None:
    """Write the table that *rest* goes on with, and take its tokens from *rest*."""
    header, rule, *body = _lines(_read(rest))
    again = html.escape(f"{header}\n{rule}\n", quote=False)
    if len(again) > _LONGEST_HEADER:
        again = ""
    draft.open("pre", again=Frame(close="</pre>", again=f"<pre>{again}", again_close="</pre>"))
    draft.text("\n".join((header, rule, *body)))
    draft.close_block()


def _read(rest: Iterator[Token]) -> _Table:
    table = _Table()
    for token in rest:
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            table.rows.append([])
        elif token.type == "th_open":
            found = _ALIGNMENT.search(str(token.attrs.get("style", "")))
            table.alignments.append(found[1] if found else "left")
        elif token.type == "inline":
            table.rows[-1].append(" ".join(plain_text(token.children or ()).split()))
    return table


def _lines(table: _Table) -> list[str]:
    widths = _column_widths(table)
    rows = [_join(row, widths, table.alignments) for row in table.rows]
    rule = "-+-".join("-" * width for width in widths)
    return [rows[0], rule, *rows[1:]]


def _column_widths(table: _Table) -> list[int]:
    widths = [1] * len(table.alignments)
    for row in table.rows:
        for column, cell in enumerate(row):
            widths[column] = max(widths[column], min(width(cell), _WIDEST_COLUMN))
    size = sum(len(cell) + 3 for row in table.rows for cell in row)
    aligned = (sum(widths) + 3 * len(widths)) * len(table.rows)
    return widths if aligned <= _LARGEST_GROWTH * size else [1] * len(widths)


def _join(row: list[str], widths: list[int], alignments: list[str]) -> str:
    cells = zip(row, widths, alignments, strict=True)
    return " | ".join(_pad(cell, size, alignment) for cell, size, alignment in cells).rstrip()


def _pad(cell: str, size: int, alignment: str) -> str:
    gap = max(size - width(cell), 0)
    left = {"right": gap, "center": gap // 2}.get(alignment, 0)
    return " " * left + cell + " " * (gap - left)
