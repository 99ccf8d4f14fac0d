"""A mention that a bot writes is one that Campfire, and our own reader, understands."""

import pytest

from bot.platforms.campfire.mention import addressed, mention
from bot.platforms.campfire.mentions import mentioned
from bot.testing.campfire.markup import mentioned_ids
from bot.testing.campfire.sanitizer import lost_tags, shown


def test_mention() -> None:
    """It names the user and nobody else, as the attachment that older versions read too."""
    assert mention("42") == (
        '<action-text-attachment sgid="eyJfcmFpbHMiOnsiZGF0YSI6ImdpZDovL2NhbXBmaXJlL1VzZXIvNDIi'
        'LCJwdXIiOiJhdHRhY2hhYmxlIn19--unsigned"'
        ' content-type="application/vnd.campfire.mention"></action-text-attachment> '
    )
    assert mentioned(mention("42")) == {"42"}
    assert mentioned_ids(mention("42")) == [42]
    assert lost_tags(mention("42")) == []


@pytest.mark.parametrize("user", ["", "Kim", "4 2", '4"', "²"])
def test_no_user_no_mention(user: str) -> None:
    """An id of another kind is no user of Campfire."""
    assert mention(user) == ""


@pytest.mark.parametrize(
    ("first", "seen"),
    [
        ("<p>hello</p>", '<p><span class="mention">@Kim</span> hello</p>'),
        ("<h1>One</h1>", '<p><span class="mention">@Kim</span></p><h1>One</h1>'),
        ("<pre>x</pre>", '<p><span class="mention">@Kim</span></p><pre>x</pre>'),
    ],
)
def test_the_first_part_begins_with_it(first: str, seen: str) -> None:
    """In its first paragraph, or else in one of its own."""
    assert shown(addressed(first, mention("7")), {7: "Kim"}) == seen


def test_nobody_to_name() -> None:
    """Without a mention nothing changes."""
    assert addressed("<p>a</p>", "") == "<p>a</p>"
