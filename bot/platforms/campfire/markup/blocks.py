"""Blocks: paragraphs, headings, lists, quotes, code, tables."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from markdown_it.token import Token

from bot.platforms.campfire.markup.draft import Draft, Frame
from bot.platforms.campfire.markup.inline import write_inline, write_task
from bot.platforms.campfire.markup.tables import write_table


def write_blocks(tokens: Iterable[Token], draft: Draft) -> None:
    """Write the tokens of a whole text."""
    _Blocks(iter(tokens), draft).write()


@dataclass(kw_only=True, slots=True)
class _List:
    #: The next item's number; None in a list of bullets.
    number: int | None
    #: Whether the browser counts. It counts from 1 (Campfire drops ``start``), so a list that
    #: begins elsewhere is one of bullets with its numbers as text.
    counted: bool


class _Blocks:
    def __init__(self, tokens: Iterator[Token], draft: Draft) -> None:
        self._tokens = tokens
        self._draft = draft
        self._lists: list[_List] = []
        #: Whether nothing was written yet of the list item at hand.
        self._item_is_new = False
        #: Whether the paragraph at hand is written without its tag.
        self._tagless = False

    def write(self) -> None:
        for token in self._tokens:
            if token.nesting > 0:
                self._open(token)
            elif token.nesting < 0:
                self._close(token)
            else:
                self._write_leaf(token)

    def _open(self, token: Token) -> None:
        match token.type:
            case "table_open":
                write_table(self._tokens, self._draft)
            case "bullet_list_open" | "ordered_list_open":
                self._open_list(token)
            case "list_item_open":
                self._open_item()
            case _:
                self._open_plain(token)

    def _open_plain(self, token: Token) -> None:
        # The first paragraph of an item stands beside its number or box, so it gets no tag.
        self._tagless = token.hidden or (self._item_is_new and token.type == "paragraph_open")
        if not self._tagless:
            self._draft.open(token.tag)
            self._item_is_new = False

    def _close(self, token: Token) -> None:
        if token.type in {"bullet_list_close", "ordered_list_close"}:
            self._lists.pop()
        if token.type == "paragraph_close" and self._tagless:
            self._draft.end_block()
        else:
            self._draft.close_block(heading=token.type == "heading_close")

    def _write_leaf(self, token: Token) -> None:
        match token.type:
            case "inline":
                self._write_line(token)
            case "hr":
                self._draft.rule()
            case _:
                self._write_code(token)
        self._item_is_new = False

    def _open_list(self, token: Token) -> None:
        if token.type == "bullet_list_open":
            self._lists.append(_List(number=None, counted=False))
            self._draft.open("ul")
            return
        start = int(token.attrs.get("start", 1))
        self._lists.append(_List(number=start, counted=start == 1))
        if start == 1:
            again = Frame(close="</ol>", again="<ul>", again_close="</ul>")
            self._draft.open("ol", again=again)
        else:
            self._draft.open("ul")

    def _open_item(self) -> None:
        at = self._lists[-1]
        number = "" if at.number is None else f"{at.number}. "
        self._draft.open("li", prefix=number if at.counted else "")
        if number and not at.counted:
            self._draft.text(number)
        if at.number is not None:
            at.number += 1
        self._item_is_new = True

    def _write_line(self, token: Token) -> None:
        if self._item_is_new:
            write_task(token, self._draft)
        write_inline(token.children or (), self._draft)

    def _write_code(self, token: Token) -> None:
        code = token.content.removesuffix("\n")
        note = token.info.strip()
        # One word is the language, which Campfire guesses itself; more than that is text.
        if not code or " " in note:
            code = f"{note}\n{code}"
        self._draft.open("pre")
        self._draft.text(code)
        self._draft.close_block()
