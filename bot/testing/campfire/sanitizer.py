"""What a room shows of a message: the allowed tags; others vanish, with all that is in them."""

import re
from collections.abc import Iterator, Mapping
from html import escape
from html.parser import HTMLParser

from bot.testing.campfire.markup import user_id_in

ALLOWED_TAGS = frozenset(
    {  # Campfire's list
        *("a", "abbr", "acronym", "action-text-attachment", "address", "b", "big", "blockquote"),
        *("br", "cite", "code", "dd", "del", "dfn", "div", "dl", "dt", "em", "figcaption"),
        *("figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "ins", "kbd", "li", "ol", "p"),
        *("pre", "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "ul", "var"),
    }
)
_ALLOWED_ATTRIBUTES = frozenset(
    {
        *("abbr", "alt", "cite", "class", "datetime", "height", "href", "name", "src", "title"),
        *("width", "xml:lang"),
    }
)
_VOID = frozenset(
    {
        *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source"),
        *("track", "wbr"),
    }
)
_ADDRESSES = frozenset({"href", "src", "cite"})
_SAFE_ADDRESS = re.compile(r"(?:(?:https?|mailto|tel):|[^:]*(?:[/?#]|$))", re.IGNORECASE)
_BARE_ADDRESS = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?)\]}']")


class _Sanitizer(HTMLParser):
    def __init__(self, names: Mapping[int, str]) -> None:
        super().__init__(convert_charrefs=True)
        self._names = names
        self._shown: list[str] = []
        #: Open elements that are shown.
        self._open: list[str] = []
        #: Open elements that are not, the outermost first.
        self._hidden: list[str] = []
        #: Tags that were met and are not allowed.
        self.lost: list[str] = []

    @property
    def html(self) -> str:
        return "".join(self._shown) + "".join(f"</{tag}>" for tag in reversed(self._open))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ALLOWED_TAGS:
            self.lost.append(tag)
        if self._hidden or tag not in ALLOWED_TAGS:
            self._hidden += [] if tag in _VOID else [tag]
        elif tag == "action-text-attachment":
            self._shown.append(self._attachment(dict(attrs)))
        else:
            self._shown.append(f"<{tag}{''.join(_attributes(tag, attrs))}>")
            self._open += [] if tag in _VOID else [tag]

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            _close(self._hidden, tag)
        elif tag in self._open:
            for closed in _close(self._open, tag):
                self._shown.append(f"</{closed}>")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            text = escape(data, quote=False)
            self._shown.append(text if {"a", "pre", "code"} & {*self._open} else _linked(text))

    def _attachment(self, attributes: dict[str, str | None]) -> str:
        name = self._names.get(user_id_in(attributes.get("sgid") or "") or 0)
        return f'<span class="mention">@{escape(name)}</span>' if name else ""


def _close(stack: list[str], tag: str) -> list[str]:
    """Take *tag* and what was opened inside it off *stack*; return that, innermost first."""
    if tag not in stack:
        return []
    start = len(stack) - 1 - stack[::-1].index(tag)
    closed = stack[start:][::-1]
    del stack[start:]
    return closed


def _attributes(tag: str, attrs: list[tuple[str, str | None]]) -> Iterator[str]:
    for name, value in attrs:
        safe = name not in _ADDRESSES or _SAFE_ADDRESS.match((value or "").strip())
        if name in _ALLOWED_ATTRIBUTES and safe:
            yield f' {name}="{escape(value or "")}"'
    if tag == "a":
        yield ' target="_blank" rel="noopener noreferrer"'


def _linked(text: str) -> str:
    return _BARE_ADDRESS.sub(
        lambda match: (
            f'<a href="{match[0]}" target="_blank" rel="noopener noreferrer">{match[0]}</a>'
        ),
        text,
    )


def shown(body: str, names: Mapping[int, str]) -> str:
    """Return the HTML that a room shows of *body*, with mentions by *names* and live links."""
    sanitizer = _Sanitizer(names)
    sanitizer.feed(body)
    sanitizer.close()
    return sanitizer.html


def lost_tags(body: str) -> list[str]:
    """Return the tags of *body* that vanish, with their content."""
    sanitizer = _Sanitizer({})
    sanitizer.feed(body)
    sanitizer.close()
    return sanitizer.lost
