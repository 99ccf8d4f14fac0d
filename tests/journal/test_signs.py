"""What a room sees of a turn: known before it leaves, shown once, and brought to an end."""

import pytest

from bot.journal import Journal
from bot.records import Entry, Outcome, Part, PartKind, PartState, Sign
from tests.journal.engines import LANE, Clock, said


async def an_entry(journal: Journal, number: int = 1) -> Entry:
    """Have a message accepted."""
    await journal.accept(said(number=number), lane=LANE)
    entry = await journal.entry(number)
    assert entry is not None
    return entry


async def a_placeholder(journal: Journal, entry: Entry, remote_id: str | None = "77") -> Part:
    """Have a placeholder stand in the room."""
    part = await journal.signs.claim(entry, Sign.PLACEHOLDER, "<p>…</p>")
    assert part is not None
    if remote_id is not None:
        await journal.mark_posted(part, remote_id=remote_id)
    return part


async def answer(journal: Journal, entry: Entry, *, into: str | None) -> tuple[Part, ...]:
    """Fix an answer of two parts."""
    return await journal.freeze(
        entry,
        ["one", "two"],
        kind=PartKind.ANSWER,
        verdict=Outcome.ANSWERED,
        attempt=None,
        answer_text="one two",
        into=into,
    )


@pytest.mark.parametrize("sign", list(Sign))
async def test_each_is_claimed_once(journal: Journal, sign: Sign) -> None:
    """Who comes later must not show it."""
    entry = await an_entry(journal)
    part = await journal.signs.claim(entry, sign, "👀")
    assert part is not None
    assert (part.kind, part.number) == (PartKind.PROGRESS, sign)
    assert await journal.signs.claim(entry, sign, "👀") is None
    await journal.signs.forget(part)
    assert await journal.signs.claim(entry, sign, "👀") is not None


async def test_signs_are_no_parts_of_the_reply(journal: Journal) -> None:
    """A message is settled as if there were none, and they stay to be brought to their end."""
    entry = await an_entry(journal)
    await a_placeholder(journal, entry, remote_id=None)
    first, second = await answer(journal, entry, into=None)
    await journal.mark_posted(first, remote_id="80")
    assert await journal.settle(entry, last=second, remote_id="81")
    (left,) = await journal.signs.left()
    assert (left.part.state, left.outcome) == (PartState.SENDING, Outcome.ANSWERED)
    settled = await journal.entry(entry.seq)
    assert settled is not None
    assert len(settled.parts) == 2


async def test_an_open_message_keeps_its_signs(journal: Journal) -> None:
    """They are for its turn to use."""
    await a_placeholder(journal, await an_entry(journal))
    assert await journal.signs.left() == ()


async def test_a_placeholder_becomes_the_first_part(journal: Journal) -> None:
    """The part knows its id before it is posted; then there is no placeholder any more."""
    entry = await an_entry(journal)
    await a_placeholder(journal, entry)
    first, second = await answer(journal, entry, into="77")
    assert (first.remote_id, first.state, second.remote_id) == ("77", PartState.SENDING, None)
    assert await journal.posted_ids(platform="campfire", ids=["77"]) == {"77"}
    await journal.mark_posted(first, remote_id="77")
    await journal.settle(entry, last=second, remote_id="81")
    assert await journal.signs.left() == ()
    assert await journal.signs.placeholder(entry) is None


async def test_a_part_that_was_detached_leaves_its_placeholder(journal: Journal) -> None:
    """The edit failed: the part is posted, and what it left behind is to be removed."""
    entry = await an_entry(journal)
    await a_placeholder(journal, entry)
    first, second = await answer(journal, entry, into="77")
    detached = await journal.signs.detach(first)
    assert detached is not None
    assert (detached.remote_id, detached.state) == (None, PartState.SENDING)
    await journal.mark_posted(first, remote_id="80")
    await journal.settle(entry, last=second, remote_id="81")
    (left,) = await journal.signs.left()
    assert left.part.remote_id == "77"


async def test_a_reply_that_was_given_up_leaves_its_placeholder(journal: Journal) -> None:
    """A dead letter does not stand half in the room."""
    entry = await an_entry(journal)
    await a_placeholder(journal, entry)
    await answer(journal, entry, into="77")
    await journal.settle(entry, outcome=Outcome.DEAD)
    (left,) = await journal.signs.left()
    assert left.part.remote_id == "77"


async def test_what_is_put_off_is_not_due(journal: Journal, clock: Clock) -> None:
    """Until its time has come; what is given up never is."""
    entry = await an_entry(journal)
    part = await a_placeholder(journal, entry)
    await journal.settle(entry, outcome=Outcome.STOPPED)
    await journal.signs.put_off(part, not_before=clock() + 5, error="down")
    assert await journal.signs.left() == ()
    clock.seconds += 5
    (left,) = await journal.signs.left()
    assert (left.part.tries, left.part.error) == (1, "down")
    await journal.signs.give_up(left.part, error="403")
    assert await journal.signs.left() == ()


async def test_the_end_is_shown_once_for_what_was_seen(journal: Journal) -> None:
    """Also when the message is opened again, and ends again."""
    entry = await an_entry(journal)
    assert not await journal.signs.end(entry, "✅")
    for _ in range(2):
        assert await journal.signs.claim(entry, Sign.SEEN, "👀")
        assert await journal.signs.end(entry, "✅")
        assert not await journal.signs.end(entry, "✅")


async def test_a_reactions_number_is_no_messages(journal: Journal) -> None:
    """Reactions have ids of their own: a message is not known by theirs."""
    entry = await an_entry(journal)
    part = await journal.signs.claim(entry, Sign.SEEN, "👀")
    assert part is not None
    assert part.remote_id is None
    await a_placeholder(journal, entry)
    assert await journal.posted_ids(platform="campfire", ids=["77", "5"]) == {"77"}


async def test_what_nobody_knows_of_is_named_by_its_text(journal: Journal) -> None:
    """For whoever looks for a lost part in the same room: that one is not it."""
    entry = await an_entry(journal)
    part = await a_placeholder(journal, entry, remote_id=None)
    (reply, _) = await answer(journal, entry, into=None)
    assert await journal.signs.unknown(entry, but=reply) == ("<p>…</p>",)
    assert await journal.signs.unknown(entry, but=part) == ()
    await journal.mark_posted(part, remote_id="77")
    assert await journal.signs.unknown(entry, but=reply) == ()


async def test_a_placeholder_is_sent_again(journal: Journal, clock: Clock) -> None:
    """With another text, and from then on it may be under way."""
    entry = await an_entry(journal)
    part = await a_placeholder(journal, entry, remote_id=None)
    clock.seconds += 30
    renewed = await journal.signs.renew(part, "<p>more</p>")
    assert renewed is not None
    assert (renewed.html, renewed.sent_at) == ("<p>more</p>", clock())
    await journal.mark_posted(part, remote_id="77")
    assert await journal.signs.renew(part, "<p>late</p>") is None
