"""Markdown to tokens, by markdown-it-py, with the work and the depth bounded and no text lost."""

import re
from collections.abc import Iterable
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.link import link
from markdown_it.token import Token

#: Blocks inside blocks; each list takes two. What is deeper would be dropped by the parser.
DEPTH_LIMIT = 24

#: An answer beyond this is not read as Markdown: it takes seconds if it is hostile.
READ_LIMIT = 100_000

#: Longest address that becomes a link, escaped; a part must have room for it beside its text.
ADDRESS_LIMIT = 1_500

_BREAK = re.compile(r"<br\s{0,3}/?>", re.IGNORECASE)
_SCHEME = re.compile(r"(?:https?://|mailto:)\S", re.IGNORECASE)


def read_markdown(markdown: str) -> list[Token]:
    """Return the tokens of CommonMark with tables and strikethrough.

    Too long or too deep a text comes back as plain paragraphs.
    """
    if len(markdown) > READ_LIMIT:
        return _PLAIN.parse(markdown)
    found: dict[str, Any] = {}
    tokens = _MARKDOWN.parse(markdown, found)
    if any(token.nesting == 1 and token.level >= DEPTH_LIMIT - 1 for token in tokens):
        return _PLAIN.parse(markdown)
    return tokens + _PLAIN.parse(_unused_definitions(markdown, tokens, found))


def _unused_definitions(markdown: str, tokens: Iterable[Token], found: dict[str, Any]) -> str:
    """Return the lines like ``[1]: https://…`` that no link uses, and which no token shows."""
    definitions = [*found.get("references", {}).values(), *found.get("duplicate_refs", ())]
    if not definitions:
        return ""
    used = {address for token in tokens for address in _addresses(token)}
    lines = markdown.split("\n")
    return "\n".join(
        line.lstrip("> ")
        for definition in definitions
        if definition["href"] not in used
        for line in lines[slice(*definition["map"])]
    )


def _addresses(token: Token) -> Iterable[str]:
    return (str(child.attrs["href"]) for child in token.children or () if "href" in child.attrs)


def _image(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 -- markdown-it's signature
    """Read an image as a link: Campfire deletes ``<img>``."""
    if not state.src.startswith("![", state.pos):
        return False
    state.pos += 1
    if link(state, silent):
        return True
    state.pos -= 1
    return False


def _line_end(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 -- markdown-it's signature
    """Read ``<br>`` as a line's end: the one tag that agents write, in tables above all."""
    found = _BREAK.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        state.push("hardbreak", "br", 0)
    state.pos = found.end()
    return True


class _Markdown(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 -- markdown-it's name
        """Whether *url* becomes a link; what does not stays the text it was."""
        # Five characters for the worst of escapes, "&amp;".
        return bool(_SCHEME.match(url)) and len(url) + 4 * url.count("&") <= ADDRESS_LIMIT


def _parser() -> MarkdownIt:
    parser = _Markdown("commonmark", {"html": False, "maxNesting": DEPTH_LIMIT})
    parser.enable(["table", "strikethrough"])
    parser.inline.ruler.at("image", _image)
    parser.inline.ruler.before("autolink", "line_end", _line_end)
    return parser


_MARKDOWN = _parser()

#: Paragraphs and line ends only.
_PLAIN = MarkdownIt("zero").enable("newline")
