"""How much of an answer can be shown while it grows: as far as nothing is torn apart.

Whole blocks, and of the last one what stands by itself: the words of a paragraph before anything
that is still open in it, the items of a list before the last. Half a table or half a fence is never
shown, nor is a line that may yet become one.
"""

import re
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

_WORDS: Final = re.compile(r".*\s", re.DOTALL)
#: What a line begins with that is not yet, or not only, a line of text.
_MARKER: Final = re.compile(r"\s*(?:[-+*#>=~`|:<]|\d+[.)]?\s*$)")
_CLOSING_FENCE: Final = re.compile(r"\s*(`{3,}|~{3,})\s*")
_RUN: Final = re.compile(r"`+|\*+|_+|~+|!?\[|<|\\.|\\", re.DOTALL)
_ADDRESS_END: Final = re.compile(r"[^\s<>]*>")

_BLOCKS = MarkdownIt("commonmark", {"html": False}).enable("table").disable("inline")


def presentable(markdown: str) -> str | None:
    r"""Return the longest beginning of *markdown*, which may end anywhere, that can be shown.

    Line ends come back as ``\n``. None when there is nothing to show yet.
    """
    text = markdown.replace("\r\n", "\n").replace("\r", "\n")
    blocks = [token for token in _BLOCKS.parse(text) if token.level == 0 and token.map]
    if not blocks:
        return None
    lines = text.split("\n")
    begin, end = blocks[-1].map or (0, 0)
    shown = [*lines[:begin], *_shown(lines, blocks[-1], begin, end)]
    return "\n".join(shown).rstrip() or None


def _shown(lines: list[str], last: Token, begin: int, end: int) -> list[str]:
    """Return what can be shown of the last block."""
    if _is_closed(lines, last, end):
        return lines[begin:end]
    match last.type:
        case "paragraph_open":
            return [_words(lines[begin:])]
        case "heading_open" if last.markup in {"-", "="}:
            # Its underline may be the beginning of something else.
            return [_words([*lines[begin : end - 1], ""])]
        case "bullet_list_open" | "ordered_list_open":
            return lines[begin : begin + _last_item(lines[begin:])]
    return []


def _is_closed(lines: list[str], block: Token, end: int) -> bool:
    """Whether nothing that follows can belong to *block* any more, or change it."""
    complete = end < len(lines)
    match block.type:
        case "paragraph_open" | "table_open" | "blockquote_open":
            return complete and not lines[end].strip() and end + 1 < len(lines)
        case "fence":
            return complete and _is_end_of(block, lines[end - 1])
        case "heading_open":
            return complete and block.markup.startswith("#")
        case "hr":
            return complete
    return False


def _is_end_of(fence: Token, line: str) -> bool:
    found = _CLOSING_FENCE.fullmatch(line)
    begin, end = fence.map or (0, 0)
    return found is not None and found[1].startswith(fence.markup) and end - begin > 1


def _last_item(lines: list[str]) -> int:
    """Return the line in which the last item of the list begins."""
    tokens = _BLOCKS.parse("\n".join(lines))
    items = (t for t in tokens if t.type == "list_item_open" and t.level == 1 and t.map)
    return max((item.map[0] for item in items if item.map), default=0)


def _words(lines: list[str]) -> str:
    """Return the whole words of a paragraph that is being written, before what is open in it."""
    *complete, growing = lines
    while complete and not growing.strip():
        growing = complete.pop() + "\n"
    if _MARKER.match(growing) or "|" in growing:
        growing = ""
    if not growing:
        while complete and "|" in complete[-1]:
            complete.pop()
    found = _WORDS.match(growing)
    text = "\n".join((*complete, found[0] if found else ""))
    return text[: _first_open(text)]


def _first_open(text: str) -> int:
    """Return where the first thing begins that is not closed: code, link, address or emphasis."""
    place, opened = 0, dict[str, int]()
    while found := _RUN.search(text, place):
        run, start = found[0], found.start()
        place = found.end()
        closed = _closed(run, text, place)
        if closed is None:
            return min([start, *opened.values()])
        if run[0] in "*_~" and not _is_free(text, start, place):
            _toggle(opened, run, start, text, place)
        place = closed
    return min(opened.values(), default=len(text))


def _closed(run: str, text: str, place: int) -> int | None:
    """Return where what *run* opens before *place* is closed; None if it is not."""
    match run[0]:
        case "`":
            found = re.compile(rf"(?<!`){run}(?!`)").search(text, place)
            return found.end() if found else None
        case "[" | "!":
            return _link_end(text, place)
        case "<" if text[place : place + 1].isalpha():
            found = _ADDRESS_END.match(text, place)
            return found.end() if found else place if re.search(r"\s", text[place:]) else None
    return place


def _link_end(text: str, place: int) -> int | None:
    """Return where the link ends whose text begins at *place*."""
    end = _balanced(text, place, "[", "]")
    if end is None or end == len(text):
        return None
    return _balanced(text, end + 1, "(", ")") if text[end] == "(" else end


def _balanced(text: str, place: int, opening: str, closing: str) -> int | None:
    depth = 1
    for index in range(place, len(text)):
        depth += (text[index] == opening) - (text[index] == closing)
        if not depth:
            return index + 1
    return None


def _is_free(text: str, start: int, end: int) -> bool:
    """Whether a run of marks has space around it, or is in a word: then it is only text."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if text[start] == "_" and before.isalnum() and after.isalnum():
        return True
    return (not before or before.isspace()) and after.isspace()


def _toggle(opened: dict[str, int], run: str, start: int, text: str, end: int) -> None:
    """Close what *run* opened before, or open it."""
    closes = start > 0 and not text[start - 1].isspace()
    if run in opened and closes:
        del opened[run]
    elif not text[end : end + 1].isspace():
        opened.setdefault(run, start)
