"""Markdown, as agents write it, to the HTML that Campfire's rooms keep, in parts of bounded size.

Campfire deletes a tag it does not know together with its text, so only tags it keeps are written,
and everything else is escaped. Two rules of its own: an answer with nothing to see becomes
`NOTHING` (Campfire refuses blank messages, or shows them), and an answer whose text is that of the
``/play`` command gets a zero-width space after the slash, because Campfire would play a sound.
"""

import re
from typing import Final

from bot.platforms.campfire.markup.blocks import write_blocks
from bot.platforms.campfire.markup.draft import Draft
from bot.platforms.campfire.markup.parts import PART_LIMIT, split
from bot.platforms.campfire.markup.reading import read_markdown
from bot.platforms.campfire.markup.text import clean, disarm, is_visible, text_of

#: Said where there is nothing to say: no language, and not blank.
NOTHING = "…"

#: A line of words, with nothing in it that Markdown, HTML or a room's command could mean: what is
#: read of it is itself. Most short answers are that, and reading takes ten times as long.
_WORDS: Final = re.compile(r"[A-Za-z](?:[^\W_]|[ ,.;:!?'()-]){0,2000}(?<! )")

__all__ = ["NOTHING", "PART_LIMIT", "render_markdown"]


def render_markdown(markdown: str, *, limit: int = PART_LIMIT) -> tuple[str, ...]:
    """Return *markdown* as parts of at most *limit* characters of HTML: one at least, none blank.

    An HTML comment, as all HTML in Markdown but ``<br>``, is text here: it is shown, escaped.
    """
    if limit == PART_LIMIT and _WORDS.fullmatch(markdown):
        return (f"<p>{markdown}</p>",)
    draft = Draft()
    write_blocks(read_markdown(clean(markdown)), draft)
    parts = split(draft.pieces, limit=limit)
    return tuple(disarm(part) for part in parts if is_visible(text_of(part))) or (NOTHING,)
