"""What stands in a line: emphasis, code, links."""

import html
import re
from collections.abc import Sequence

from markdown_it.token import Token

from bot.platforms.campfire.markup.draft import Draft

#: Of the tokens markdown-it names, those that are a tag and nothing else.
_TAGS = {"strong": "strong", "em": "em", "s": "del"}

_TASK = re.compile(r"\[([ xX])\]\s+")


def write_inline(tokens: Sequence[Token], draft: Draft) -> None:
    """Write the children of an inline token; a link inside a link is its text."""
    links: list[str] = []
    for token in tokens:
        kind, _, edge = token.type.rpartition("_")
        if token.type == "link_open":
            links.append(_address(token))
            if _is_written(links):
                draft.open("a", attributes=f' href="{html.escape(links[-1])}"')
        elif token.type == "link_close":
            if _is_written(links):
                draft.close()
            links.pop()
        elif kind in _TAGS:
            draft.open(_TAGS[kind]) if edge == "open" else draft.close()
        else:
            _write_leaf(token, draft)


def _is_written(links: Sequence[str]) -> bool:
    """Whether the innermost of *links* becomes a tag: ``[Kim]()`` leads nowhere, and none nest."""
    *around, innermost = links
    return bool(innermost) and not any(around)


def _address(link: Token) -> str:
    return str(link.attrs["href"])


def _write_leaf(token: Token, draft: Draft) -> None:
    if token.type in {"softbreak", "hardbreak"}:
        # In a chat a line end is meant.
        draft.line_break()
    elif token.type == "code_inline":
        draft.open("code")
        draft.text(token.content)
        draft.close()
    else:
        draft.text(token.content)


def write_task(token: Token, draft: Draft) -> None:
    """Write the box of a task list's item, and take its source off the inline *token*."""
    first = token.children[0] if token.children else None
    task = _TASK.match(first.content) if first and first.type == "text" else None
    if first and task:
        draft.text("☐ " if task[1] == " " else "☑ ")
        first.content = first.content[task.end() :]


def plain_text(tokens: Sequence[Token]) -> str:
    """Return the text of inline tokens for a place without tags, with the addresses of links."""
    words: list[str] = []
    links: list[tuple[int, str]] = []
    for token in tokens:
        if token.type == "link_open":
            links.append((len(words), _address(token)))
        elif token.type == "link_close":
            start, address = links.pop()
            words.append(_address_beside("".join(words[start:]), address))
        else:
            words.append(" " if token.type.endswith("break") else token.content)
    return "".join(words)


def _address_beside(shown: str, address: str) -> str:
    said = shown in {address, address.partition(":")[2].lstrip("/")}
    return "" if said or not address else f" ({address})"
