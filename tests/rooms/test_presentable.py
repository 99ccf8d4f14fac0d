"""What of a growing answer is shown: never half of anything, wherever it ends."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.platforms.campfire.markup import render_markdown
from bot.rooms.presentable import presentable
from bot.testing.model.persona import CODE, LONG, TABLE
from tests.platforms.rooms_html import seen

_READER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])

_WORDS = st.sampled_from(
    [
        *["tea", "is", "cold.", "2 * 3", "snake_case", "**bold**", "*so so*", "`a | b`", "~~no~~"],
        *["a|b", "[a *link*](https://chat.test/x_y)", "<https://chat.test>", "ünï", "1.", "-"],
        *["[1]", "a < b"],
    ]
)
_LINES = st.lists(_WORDS, min_size=1, max_size=6).map(" ".join)
_PARAGRAPHS = st.lists(_LINES, min_size=1, max_size=3).map("\n".join)
_CODES = st.builds(
    "{0}py\n{1}\n{0}".format, st.sampled_from(["```", "~~~", "````"]), _LINES | st.just("\n```x\n")
)
_ROWS = st.lists(st.sampled_from(["| a | b |", "| 1 |", "| `x` | **y** |"]), max_size=3)
_TABLES = _ROWS.map(lambda rows: "\n".join(["| h | i |", "|---|:-:|", *rows]))
_ITEMS = st.lists(_LINES, min_size=1, max_size=4)
_LISTS = st.builds(
    lambda marker, items: "\n".join(f"{marker} {item}" for item in items),
    st.sampled_from(["-", "1.", "* [ ]", "-\n  -"]),
    _ITEMS,
)
_BLOCKS = st.one_of(
    _PARAGRAPHS,
    _CODES,
    _TABLES,
    _LISTS,
    _LINES.map("## {}".format),
    _LINES.map("> {}".format),
    st.just("---"),
    _LINES.map("{}\n===".format),
)
_DOCUMENTS = st.lists(_BLOCKS, min_size=1, max_size=5).map("\n\n".join)


def tables(markdown: str) -> list[list[str]]:
    """Return the cells of each table."""
    found: list[list[str]] = []
    within = False
    for token in _READER.parse(markdown):
        within = token.type == "table_open" or (within and token.type != "table_close")
        if token.type == "table_open":
            found.append([])
        elif within and token.type == "inline":
            found[-1].append(token.content)
    return found


def fences(markdown: str) -> list[str]:
    """Return what stands in the fences."""
    return [token.content for token in _READER.parse(markdown) if token.type == "fence"]


def addresses(markdown: str) -> set[str]:
    """Return where the links lead."""
    inline = [child for token in _READER.parse(markdown) for child in token.children or ()]
    return {str(token.attrs["href"]) for token in inline if "href" in token.attrs}


@settings(max_examples=300, deadline=None)
@given(document=_DOCUMENTS, cut=st.floats(0, 1))
@example(document=TABLE, cut=0.7)
@example(document=CODE, cut=0.5)
def test_what_is_shown_is_whole(document: str, cut: float) -> None:
    """A beginning of what there is, in which every table, fence and link is as it will be."""
    so_far = document[: round(cut * len(document))]
    shown = presentable(so_far)
    if shown is None:
        return
    assert so_far.startswith(shown)
    assert tables(shown) == tables(document)[: len(tables(shown))]
    assert fences(shown) == fences(document)[: len(fences(shown))]
    assert addresses(shown) <= addresses(document)
    seen(render_markdown(shown))  # valid, each part by itself


@pytest.mark.parametrize("sample", [TABLE, CODE, LONG[:2_000]])
def test_it_only_grows(sample: str) -> None:
    """What was shown once stays, as the beginning of what is shown later."""
    shown = ""
    for end in range(len(sample) + 1):
        now = presentable(sample[:end]) or ""
        assert now.startswith(shown)
        shown = now
    assert len(shown) > len(sample) // 4 or "|" in sample


@pytest.mark.parametrize(
    ("so_far", "shown"),
    [
        ("", None),
        ("Hel", None),
        ("Hello wor", "Hello"),
        ("Hello **wor", "Hello"),
        ("Hello **world** and", "Hello **world**"),
        ("See [the page", "See"),
        ("See [the page](https://chat.te", "See"),
        ("See [the page](https://chat.test) no", "See [the page](https://chat.test)"),
        ("Run `rm -", "Run"),
        ("Two \\* three **is", "Two \\* three"),
        ("| a | b |", None),
        ("Rows:\n\n| a | b |\n|---|---|\n| 1 | 2", "Rows:"),
        ("Rows:\n| a | b |\n|--", "Rows:"),
        ("| a |\n|---|\n| 1 |\n\nThat is", "| a |\n|---|\n| 1 |\n\nThat"),
        ("So:\n\n```py\nx = 1\n", "So:"),
        ("So:\n\n```py\nx = 1\n``", "So:"),
        ("So:\n\n```py\nx = 1\n```\n", "So:\n\n```py\nx = 1\n```"),
        ("- one\n- tw", "- one"),
        ("- one\n  - below\n", None),
        ("1. one\n2. two\n3", "1. one"),
        ("## Headi", None),
        ("## Heading\n", "## Heading"),
        ("Title\n=", "Title"),
        ("A line\r\nand ano", "A line\nand"),
        ("> quoted\n> on", None),
    ],
)
def test_what_is_shown(so_far: str, shown: str | None) -> None:
    """Words, items and blocks that are complete."""
    assert presentable(so_far) == shown
