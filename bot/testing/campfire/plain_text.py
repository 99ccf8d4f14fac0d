"""A message's HTML as plain text, the way ActionText makes it.

But for h2 to h6 and pre: it runs what follows them on, which nobody could read in a terminal.
"""

from collections.abc import Mapping
from html.parser import HTMLParser

from bot.testing.campfire.markup import user_id_in

#: What follows the content of an element.
_ENDINGS = {"div": "\n", "p": "\n\n", "ul": "\n\n", "ol": "\n\n", "pre": "\n", "li": "\n"} | {
    f"h{level}": "\n\n" for level in range(1, 7)
}
_UNSEEN = frozenset({"script", "style"})


class _Converter(HTMLParser):
    def __init__(self, names: Mapping[int, str]) -> None:
        super().__init__(convert_charrefs=True)
        self._names = names
        self._text: list[str] = []
        #: For each open list, the number of its next item; None for bullets.
        self._lists: list[int | None] = []
        self._unseen = 0

    @property
    def text(self) -> str:
        return "".join(self._text).strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        match tag:
            case "br":
                self._text.append("\n")
            case "ul" | "ol":
                if self._lists:  # a list in a list begins on a line of its own
                    self._end_with("\n")
                self._lists.append(1 if tag == "ol" else None)
            case "li":
                self._text.append(self._bullet())
            case "blockquote":
                self._text.append("“")
            case "action-text-attachment":
                self._text.append(self._mention(dict(attrs).get("sgid") or ""))
        self._unseen += tag in _UNSEEN

    def handle_endtag(self, tag: str) -> None:
        if tag in {"ul", "ol"} and self._lists:
            self._lists.pop()
        if tag == "blockquote":
            self._text = ["".join(self._text).rstrip("\n"), "”\n\n"]
        self._unseen -= tag in _UNSEEN
        self._end_with(_ENDINGS.get(tag, ""))

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self._text.append(data)

    def _end_with(self, ending: str) -> None:
        if ending:
            self._text = ["".join(self._text).rstrip("\n"), ending]

    def _bullet(self) -> str:
        indent = "  " * (len(self._lists) - 1)
        if not self._lists or self._lists[-1] is None:
            return f"{indent}• "
        self._lists[-1] += 1
        return f"{indent}{self._lists[-1] - 1}. "

    def _mention(self, sgid: str) -> str:
        name = self._names.get(user_id_in(sgid) or 0)
        return f"@{name}" if name else ""


def plain_text(body: str, names: Mapping[int, str]) -> str:
    """Return the text of *body*; *names* gives the users' names by id, for mentions."""
    converter = _Converter(names)
    converter.feed(body)
    converter.close()
    return converter.text
