import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.platforms.campfire.markup import PART_LIMIT, render_markdown
from bot.platforms.campfire.markup.parts import SMALLEST_LIMIT
from bot.platforms.campfire.markup.text import width
from tests.platforms.rooms_html import Reader, seen, words

SENTENCE = "The kettle in the Watercooler is on and Kim says so. "


def render(markdown: str, limit: int = SMALLEST_LIMIT) -> tuple[str, ...]:
    """Return *markdown* in small parts, each of which is checked."""
    parts = render_markdown(markdown, limit=limit)
    seen(parts)
    assert all(len(part) <= limit for part in parts)
    return parts


def test_short_answers_are_one_part() -> None:
    """What fits is not cut."""
    assert len(render_markdown(SENTENCE * 180)) == 1
    assert len(render_markdown(SENTENCE * 200)) == 2


def test_cut_between_paragraphs() -> None:
    """Paragraphs stay whole where they can."""
    paragraph = (SENTENCE * 20).strip()
    parts = render("\n\n".join([paragraph] * 10))
    assert {part.replace(f"<p>{paragraph}</p>", "") for part in parts} == {""}
    assert len(parts) == 4


def test_cut_before_a_heading() -> None:
    """A heading stays with what it is the heading of."""
    markdown = "\n\n".join(f"## Part {number}\n\n{SENTENCE * 30}" for number in range(8))
    parts = render(markdown)
    assert all(part.startswith("<h2>") for part in parts)


def test_cut_between_sentences_then_words_then_letters() -> None:
    """A long paragraph is cut after a sentence, without sentences after a word, else anywhere."""
    first, *_ = render(SENTENCE * 200)
    assert first.endswith("says so. </p>")
    first, *_ = render("kettle " * 2_000)
    assert first.endswith("kettle </p>")
    parts = render("x" * 20_000)
    assert "".join(parts).replace("<p>", "").replace("</p>", "") == "x" * 20_000


def test_code_is_closed_and_opened_again() -> None:
    """A long code block becomes several, cut between lines, with its indentation."""
    code = "\n".join(f"    line_{number} = {number} < {number + 1}" for number in range(400))
    parts = render(f"```\n{code}\n```")
    assert len(parts) > 2
    assert all(re.fullmatch(r"<pre>    line_[^<]*</pre>", part) for part in parts)
    assert "".join(part[5:-6] for part in parts).replace("&lt;", "<") == code


def test_lists_go_on_with_their_numbers() -> None:
    """A cut list stays a list; Campfire drops ``start``, so the numbers go on as text."""
    first, second, *_ = render("\n".join(f"{n}. {SENTENCE * 3}" for n in range(1, 60)))
    assert first.startswith("<ol><li>The kettle")
    at = first.count("<li>") + 1
    assert second.startswith(f"<ul><li>{at}. The kettle")
    assert f"<li>{at + 1}. The kettle" in second
    assert second.endswith("</li></ul>")


def test_lists_inside_go_on_too() -> None:
    """A cut inside a nested list opens every list around it again."""
    inner = "\n".join(f"   1. {SENTENCE * 2}" for _ in range(60))
    _, second, *_ = render(f"1. outer\n{inner}\n2. last")
    assert re.match(r"<ul><li><ul><li>\d+\. The kettle", second)


def test_tables_repeat_their_header() -> None:
    """Every part of a cut table begins with the header."""
    rows = "\n".join(f"| Kim {number} | {number} |" for number in range(500))
    parts = render(f"| Name | Number |\n|---|--:|\n{rows}")
    assert len(parts) > 2
    assert all(re.match(r"<pre>Name +\| Number\n-+\+-+\nKim \d", part) for part in parts)


def test_emphasis_and_links_go_on() -> None:
    """What spans a cut is opened again behind it."""
    parts = render(f"**[{SENTENCE * 150}](http://a.b)**")
    assert len(parts) > 1
    assert all(part.startswith('<p><strong><a href="http://a.b">The kettle') for part in parts)


def test_quotes_stay_quotes() -> None:
    """Every part of a cut quote is one."""
    parts = render(f"> {SENTENCE * 150}")
    assert all(part.startswith("<blockquote><p>The kettle") for part in parts)


def test_parts_with_nothing_to_see_are_left_out() -> None:
    """A part of a rule or of empty lines alone is not posted."""
    assert len(render("a\n\n" + "---\n" * 3_000)) == 1


def test_line_break_does_not_end_a_part() -> None:
    """The break at which a part is cut is not written."""
    parts = render("\n".join(["kettle"] * 2_000))
    assert not any("<br></p>" in part for part in parts)


def test_play_is_disarmed_in_every_part() -> None:
    """A later part is a message of its own, so the guard holds for it too."""
    *_, last = render("\n\n".join([(SENTENCE * 80)[:3_980], "/play tada"]))
    assert Reader(last).text.strip() == "/\u200bplay tada"


def test_limit_has_a_floor() -> None:
    """A limit below what open elements may take is a mistake of the caller."""
    with pytest.raises(ValueError, match="4000 or more"):
        render_markdown("hi", limit=SMALLEST_LIMIT - 1)
    assert PART_LIMIT == 10_000


WORDS = st.lists(
    st.sampled_from(["kettle", "Kim", "Lee", "wasser", "日本", "tea"]), min_size=1, max_size=40
)
TEXT = WORDS.map(" ".join)
BLOCK = st.one_of(
    TEXT,
    TEXT.map("## {}".format),
    TEXT.map(lambda text: f"**{text}** and *{text}* [{text}](http://a.b)"),
    st.lists(TEXT, min_size=1, max_size=8).map(lambda items: "- " + "\n- ".join(items)),
    st.lists(TEXT, min_size=1, max_size=8).map(lambda items: "- a\n  - " + "\n  - ".join(items)),
    st.lists(TEXT, min_size=1, max_size=8).map(lambda lines: "> " + "\n> ".join(lines)),
    st.lists(TEXT, min_size=1, max_size=8).map(lambda lines: "```\n" + "\n".join(lines) + "\n```"),
    TEXT.map(lambda text: f"{text}\n{text}\n{text}"),
)


@settings(max_examples=60)
@given(blocks=st.lists(BLOCK, min_size=1, max_size=8), times=st.integers(1, 12))
def test_parts_keep_all_words_in_order(blocks: list[str], times: int) -> None:
    """Cutting loses no word and moves none."""
    markdown = "\n\nthen\n\n".join(blocks * times)
    expected = [word for word in words(markdown) if word not in {"http", "a", "b"}]
    found = [word for word in seen(render(markdown)) if word != "a"]
    assert found == expected


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("", 0),
        ("Kim", 3),
        ("Größe", 5),
        ("e\u0301", 1),
        ("日本", 4),
        ("👍", 2),
        ("👍🏽", 2),
        ("👩‍💻", 2),
        ("❤️", 2),
        ("🇩🇪", 2),
        ("\u200b", 0),
    ],
)
def test_width(text: str, cells: int) -> None:
    """Wide characters and emoji take two cells, marks and joiners none."""
    assert width(text) == cells
