"""Judge HTML as a room of Campfire would: what it keeps, and what a reader then sees."""

import re
from html.parser import HTMLParser

#: The tags that Campfire keeps; any other is deleted together with its text.
KEPT = frozenset(
    [
        *["a", "abbr", "acronym", "address", "b", "big", "blockquote", "br", "cite", "code", "dd"],
        *["del", "dfn", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i"],
        *["ins", "kbd", "li", "ol", "p", "pre", "samp", "small", "span", "strong", "sub", "sup"],
        *["time", "tt", "ul", "var", "figure", "figcaption", "action-text-attachment"],
    ]
)

_INLINE = frozenset({"a", "code", "del", "em", "strong"})
_EMPTY = frozenset({"br", "hr"})

#: Tags without tricks, and text in which everything is escaped that needs to be.
_STRICT = re.compile(
    r"(?:</?[a-z][a-z0-9]*>|<a href=\"[^\"<>\s]*\">|[^<>&]|&(?:amp|lt|gt|quot|#x27);)*"
)
_ADDRESS = re.compile(r"(?:https?://|mailto:)\S+", re.IGNORECASE)


class Reader(HTMLParser):
    """Read one part; raises AssertionError for what Campfire would delete or misread."""

    def __init__(self, part: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        #: (start tag, nested in) of every element.
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self._open: list[str] = []
        assert _STRICT.fullmatch(part), part
        self.feed(part)
        self.close()
        assert not self._open, f"left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Check tag and attributes."""
        assert tag in KEPT
        self.elements.append((tag, tuple(self._open)))
        if tag == "a":
            ((name, address),) = attrs
            assert name == "href"
            assert _ADDRESS.fullmatch(address or "")
            assert "a" not in self._open
        else:
            assert not attrs
        if tag not in _EMPTY:
            self._open.append(tag)
        self._separate(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check the nesting."""
        assert self._open.pop() == tag
        self._separate(tag)

    def handle_data(self, data: str) -> None:
        """Collect what is seen."""
        self.text += data

    def _separate(self, tag: str) -> None:
        if tag not in _INLINE:
            self.text += "\n"


def words(text: str) -> list[str]:
    """Return the words of *text*, in order."""
    return re.findall(r"\w+", text)


def seen(parts: tuple[str, ...]) -> list[str]:
    """Return the words that a reader sees in *parts*, each checked by itself."""
    texts = [Reader(part).text for part in parts]
    assert all(text.strip() for text in texts), "a part is blank"
    return [word for text in texts for word in words(text)]
