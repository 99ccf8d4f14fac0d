import string
import sys
from types import FrameType

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.platforms.campfire.markup import _WORDS, NOTHING, render_markdown
from bot.platforms.campfire.markup.reading import READ_LIMIT
from bot.platforms.campfire.markup.text import clean, is_visible
from tests.platforms.rooms_html import Reader, seen, words

#: What Markdown is made of, so that random text often means something.
FRAGMENTS = st.sampled_from(
    [
        *["*", "**", "_", "__", "~~", "`", "```", "#", "##", ">", "-", "+", "1.", "2)", "|", "|-|"],
        *["[", "]", "(", ")", "![", "](", "[a]:", "[x]", "---", "===", "\\", "!", ":", "/play "],
        *["http://a.b/c", "<http://a.b>", "mailto:k@l.m", "<b>", "</b>", "<!-- -->", "&", "&#0;"],
        *["&amp;", "&nbsp;", " ", "    ", "\t", "\n", "\n\n", "\n- ", "\n> ", "\n|a|b|\n|-|-|\n|"],
        *["<br>", "<br/", "\x1b[0m", "\ud800", "👩‍💻", "日本", "\u202e"],
    ]
)
MARKDOWN = st.lists(FRAGMENTS | st.text(max_size=8) | st.sampled_from(["Kim", "Lee "])).map("".join)


def render(markdown: str) -> str:
    """Return the only part of *markdown*."""
    (part,) = render_markdown(markdown)
    return part


def as_ever(markdown: str) -> tuple[str, ...]:
    """Render *markdown* by reading it, however plain it is: within a quotation."""
    first, *others = render_markdown(f"> {markdown}")
    return (first.removeprefix("<blockquote>").removesuffix("</blockquote>"), *others)


@given(st.from_regex(_WORDS, fullmatch=True))
@example("Your name is Kim.")
@example("Grüße (an Łukasz), 10:30 - oder?")
def test_plain_words_are_what_reading_them_gives(markdown: str) -> None:
    """The way past the reader changes nothing."""
    assert render_markdown(markdown) == as_ever(markdown) == (f"<p>{markdown}</p>",)


@pytest.mark.parametrize(
    "markdown", ["a ", " a", "1. a", "a_b_", "a\nb", "a&b", "/play a", "a*b*", ""]
)
def test_what_may_mean_something_is_read(markdown: str) -> None:
    """A line that is more than words goes through the reader."""
    assert not _WORDS.fullmatch(markdown)


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("hi Kim", "<p>hi Kim</p>"),
        ("# One\n###### Six", "<h1>One</h1><h6>Six</h6>"),
        ("One\n===\nTwo\n---", "<h1>One</h1><h2>Two</h2>"),
        ("**b** *i* ~~d~~ `c`", "<p><strong>b</strong> <em>i</em> <del>d</del> <code>c</code></p>"),
        ("a\nb  \nc\\\nd", "<p>a<br>b<br>c<br>d</p>"),
        ("a\n\n---\n\nb", "<p>a</p><hr><p>b</p>"),
        ("> a\n>> b", "<blockquote><p>a</p><blockquote><p>b</p></blockquote></blockquote>"),
        ("- a\n  1. b\n  2. c\n- d", "<ul><li>a<ol><li>b</li><li>c</li></ol></li><li>d</li></ul>"),
        ("1. a\n1. b", "<ol><li>a</li><li>b</li></ol>"),
        ("3. a\n\n4. b\n\n   c", "<ul><li>3. a</li><li>4. b<p>c</p></li></ul>"),
        ("0) a", "<ul><li>0. a</li></ul>"),
        ("- [ ] a\n- [x] b\n- [X] *c*", "<ul><li>☐ a</li><li>☑ b</li><li>☑ <em>c</em></li></ul>"),
        ("- [ ]\n- [y] b", "<ul><li>[ ]</li><li>[y] b</li></ul>"),
        ("[x] a", "<p>[x] a</p>"),
        ("- > a\n- # b", "<ul><li><blockquote><p>a</p></blockquote></li><li><h1>b</h1></li></ul>"),
        ("```python\nif a < b:\n    c\n```", "<pre>if a &lt; b:\n    c</pre>"),
        ("```\n\na\n```", "<pre>\na</pre>"),
        ("``` two words\na\n```", "<pre>two words\na</pre>"),
        ("```never closed", "<pre>never closed\n</pre>"),
        ("    a & b", "<pre>a &amp; b</pre>"),
        ("[a](https://b.c/?d=1&e=2 't')", '<p><a href="https://b.c/?d=1&amp;e=2">a</a></p>'),
        ("<https://b.c>", '<p><a href="https://b.c">https://b.c</a></p>'),
        ("<k@l.m>", '<p><a href="mailto:k@l.m">k@l.m</a></p>'),
        ("see https://b.c/d_e_f", "<p>see https://b.c/d_e_f</p>"),
        ("![moon](http://b.c/m.png)", '<p><a href="http://b.c/m.png">moon</a></p>'),
        ("wow\\![a](http://b.c) !", '<p>wow!<a href="http://b.c">a</a> !</p>'),
        ("[![badge](http://a.b)](http://c.d)", '<p><a href="http://c.d">badge</a></p>'),
        ("[a](javascript:b) [c](data:d)", "<p>[a](javascript:b) [c](data:d)</p>"),
        ("[a]() b", "<p>a b</p>"),
        ('[Kim]("who knows") b', '<p>[Kim]("who knows") b</p>'),
        ("[a](ftp://b) [c](/d)", "<p>[a](ftp://b) [c](/d)</p>"),
        ('[a](http://b.c/"onclick="d)', '<p><a href="http://b.c/%22onclick=%22d">a</a></p>'),
        ("[a][1]\n\n[1]: http://b.c", '<p><a href="http://b.c">a</a></p>'),
        ("Sources\n\n[1]: http://b.c", "<p>Sources</p><p>[1]: http://b.c</p>"),
        ("[Kim]: please", "<p>[Kim]: please</p>"),
        ("<b>x</b> <script>", "<p>&lt;b&gt;x&lt;/b&gt; &lt;script&gt;</p>"),
        ("a<br>b<BR />c", "<p>a<br>b<br>c</p>"),
        ("|a|\n|-|\n|b<br>c|", "<pre>a\n---\nb c</pre>"),
        ("`<br>` <br x>", "<p><code>&lt;br&gt;</code> &lt;br x&gt;</p>"),
        ("<!-- note -->", "<p>&lt;!-- note --&gt;</p>"),
        ("&lt;b&gt; &copy; &bogus;", "<p>&lt;b&gt; © &amp;bogus;</p>"),
        ("@Kim: *you* @Ada", "<p>@Kim: <em>you</em> @Ada</p>"),
        ("a\r\nb\rc", "<p>a<br>b<br>c</p>"),
        ("a\x00b\x1bc\ud800d", "<p>a b c\ufffdd</p>"),
    ],
)  # fmt: skip
def test_markdown_becomes_the_tags_that_rooms_keep(markdown: str, html: str) -> None:
    """Each construct of Markdown has its form in a room."""
    assert render(markdown) == html
    Reader(html)


def test_table() -> None:
    """A table is aligned text, by the cells that its characters take on the screen."""
    rows = ["| Name | Größe | 日本 |", "|:--|--:|:-:|", "| **Kim** | 1 | 👍 |"]
    markdown = "\n".join([*rows, "| a \\| b | `x` | ❤️ ok |", "| e |"])
    assert render(markdown) == (
        "<pre>"
        "Name  | Größe | 日本\n"
        "------+-------+------\n"
        "Kim   |     1 |  👍\n"
        "a | b |     x | ❤️ ok\n"
        "e     |       |"
        "</pre>"
    )


def test_links_in_tables_keep_their_address() -> None:
    """Aligned text has no links, so the address stands beside, unless it is the text already."""
    part = render("|a|\n|-|\n|[b](http://c.d) []()|\n|<http://e.f>|\n|<k@l.m>|")
    assert Reader(part).text.split("\n")[3:6] == ["b (http://c.d)", "http://e.f", "k@l.m"]


def test_table_that_alignment_would_blow_up() -> None:
    """A table of many empty rows beside one wide cell is not padded to hundreds of times itself."""
    markdown = f"|a|b|\n|-|-|\n|{'x' * 60}|b|\n" + "|a|b|\n" * 2_000
    assert sum(map(len, render_markdown(markdown))) < 8 * len(markdown)


@pytest.mark.parametrize(
    "markdown",
    ["", " \n\t", "&nbsp;", "\u200b", "\u2800\ufeff", "---", "- ", "```\n```", "> ", "\x00", "#"],
)
def test_nothing_to_see_is_said(markdown: str) -> None:
    """Campfire would refuse a blank message or show it; a room sees an ellipsis instead."""
    assert render_markdown(markdown) == (NOTHING,)


@pytest.mark.parametrize(
    "markdown",
    ["/play tada", "*/play* tada", "/**play** tada", "# /PLAY tada", "- /play tada", "/play\ntada"],
)
def test_play_command_is_disarmed(markdown: str) -> None:
    """An answer never makes Campfire play a sound: a zero-width space follows the slash."""
    text = Reader(render(markdown)).text
    assert "/\u200b" in text
    assert "".join(text.split()).replace("\u200b", "").casefold() == "/playtada"


@pytest.mark.parametrize("markdown", ["say /play tada", "/players", "a/play b", "/ play b"])
def test_other_slashes_stay(markdown: str) -> None:
    """Only a text that begins as the command does is changed."""
    assert "\u200b" not in render(markdown)


@pytest.mark.parametrize("opener", ["> ", "- ", "1. ", "> - "])
def test_too_deep_is_plain(opener: str) -> None:
    """Deeper than anybody writes, Markdown is shown as it was written, and nothing is dropped."""
    markdown = f"# Hi\n\n{opener * 30}deep words"
    part = render(markdown)
    assert part.startswith("<p># Hi</p>")
    assert seen((part,))[-2:] == ["deep", "words"]


def test_deep_emphasis_is_bounded() -> None:
    """Elements nest to a bounded depth; what is deeper keeps its text."""
    part = render("*a " * 200 + "b* " * 200)
    assert max(len(around) for _, around in Reader(part).elements) < 30
    assert words(Reader(part).text) == ["a"] * 200 + ["b"] * 200


def test_long_address_is_text() -> None:
    """An address that leaves no room for its text in a part is no link, and is not lost."""
    address = "http://a.b/" + "c" * 2_000
    assert Reader(render(f"[d]({address})")).text.strip() == f"[d]({address})"


HOSTILE = {
    "quotes": ">" * 200_000,
    "quote and text": ">" * 199_990 + " a",
    "brackets": "[" * 200_000,
    "images": "![" * 100_000,
    "closed images": "![" * 10_000 + "](http://a.b/c)" * 10_000,
    "stars": "**" * 100_000,
    "open stars": "**a " * 50_000,
    "backticks": "".join("`" * run + " " for run in range(1, 630)),
    "lists": "- " * 100_000,
    "list of lists": "\n".join("  " * depth + "- a" for depth in range(440)),
    "table": "|a|b\n|-|-\n" + "|\n" * 95_000,
    "wide table": "|" + "a|" * 33_000 + "\n|" + "-|" * 33_000 + "\n",
    "definitions": "[a]: http://b (\n" * 12_000,
    "one word": "x" * 200_000,
    "escapes": "&" * 200_000,
    "lines": "a\n" * 100_000,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.timeout(20)
def test_hostile_markdown_is_bounded(name: str) -> None:
    """What is made to hurt becomes parts in order: no error, no explosion."""
    markdown = HOSTILE[name][:10_000]
    parts = render_markdown(markdown)
    assert all(len(part) <= 10_000 for part in parts)
    assert sum(map(len, parts)) <= 8 * len(markdown)
    seen(parts)


@pytest.mark.parametrize("size", [READ_LIMIT, 200_000])
@pytest.mark.parametrize("name", ["quotes", "brackets", "open stars", "backticks", "one word"])
@pytest.mark.timeout(20)
def test_very_long_hostile_text_is_bounded(name: str, size: int) -> None:
    """A hundred thousand characters are read as Markdown, more are shown as they were written."""
    parts = render_markdown(HOSTILE[name][:size])
    assert all(len(part) <= 10_000 for part in parts)
    assert sum(map(len, parts)) <= 6 * size


def calls(markdown: str) -> int:
    """Count the calls, of Python and of C, that rendering *markdown* takes."""
    count = 0

    def see(_frame: FrameType, _event: str, _argument: object) -> None:
        nonlocal count
        count += 1

    before = sys.getprofile()
    sys.setprofile(see)
    try:
        render_markdown(markdown)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("name", HOSTILE)
def test_work_grows_with_the_length(name: str) -> None:
    """Twice the text takes about twice the calls at most."""
    half, whole = HOSTILE[name][:2_000], HOSTILE[name][:4_000]
    assert calls(whole) <= 2.3 * calls(half) + 3_000


@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow])
@given(MARKDOWN)
@example("*/*play x")
@example("![![a](http://b.c)](http://d.e)")
@example("[*a](http://b.c)*")
def test_any_text_is_safe_and_seen(markdown: str) -> None:
    """Whatever an agent writes: kept tags, well nested, all else escaped, and never blank."""
    parts = render_markdown(markdown)
    seen(parts)
    for part in parts:
        assert is_visible(Reader(part).text)
        assert not Reader(part).text.strip().casefold().startswith("/play ")
        part.encode()


@given(st.lists(st.text(string.ascii_letters + "äß日 *_~`#>-+.!?:;,'\"/=@\n", max_size=60)))
def test_words_are_kept(lines: list[str]) -> None:
    """No word is lost, and their order stays, whatever marks stand around them."""
    markdown = "\n".join(lines)
    expected = "".join(words(markdown)).replace("_", "")
    # A word after ``` is the language of a code block, the one word that is left out.
    if "```" not in markdown and "~~~" not in markdown:
        assert "".join(seen(render_markdown(markdown))).replace("_", "") == expected


def test_clean_keeps_text() -> None:
    """Only what is no text is taken out."""
    assert clean("a\tb\nc 👩‍💻 é") == "a\tb\nc 👩‍💻 é"
